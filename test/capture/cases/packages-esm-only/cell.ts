import { customAlphabet, nanoid } from "nanoid"
const task = () => [nanoid(7).length, customAlphabet("a", 3)()]
