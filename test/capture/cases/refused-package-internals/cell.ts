import { z } from "zod"
const schema = z.object({ a: z.number() })
const inputs = [{ a: 1 }]
const task = (x: unknown) => schema.parse(x)
