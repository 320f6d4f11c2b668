import type { CellRequest } from "./execution.ts"

/**
 * Whether a cell was typed at a terminal, as in `jupyter console`, where an output that was written cannot be renewed. No front end
 * says so, but those of the browser and VS Code name the cell or no user, and those that run whole notebooks take no input.
 */
export function isAtTerminal({ message, allowStdin }: CellRequest): boolean {
  const { header, metadata } = message
  return allowStdin && Boolean(header.username) && metadata.cellId === undefined
}
