import { fail } from "./util"
const task = () => fail()
