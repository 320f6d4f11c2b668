import { limited } from "./util"
const check = limited({ most: 3 })
const task = () => check(4)
