/** tslab puts this line before each cell, which makes it a module; offsets and lines count it where they do not say otherwise. */
export const PREFIX = "export {};\n"
