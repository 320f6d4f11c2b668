import { z } from "zod"
const task = (x: unknown) => z.object({ a: z.number() }).safeParse(x).success
const inputs = [{ a: 1 }, { a: "1" }]
