import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** A notebook for the cellfan kernel with these code cells, in `folder`. */
export async function writeNotebook(folder: string, name: string, cells: readonly string[]): Promise<void> {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: "cellfan", display_name: "cellfan", language: "typescript" },
      language_info: { name: "typescript" },
    },
    cells: cells.map((source, at) => ({
      id: `cell-${at}`,
      cell_type: "code",
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    })),
  }
  await writeFile(join(folder, name), JSON.stringify(notebook))
}

interface SavedOutput {
  readonly output_type: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** The outputs of a cell as the file has them. */
export async function savedOutputs(
  folder: string,
  name: string,
  cell: number,
): Promise<readonly SavedOutput[]> {
  const notebook = JSON.parse(await readFile(join(folder, name), "utf8"))
  return notebook.cells[cell].outputs
}
