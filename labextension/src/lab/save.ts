import type { NotebookPanel } from "@jupyterlab/notebook"
import type { Contents } from "@jupyterlab/services"

/**
 * Saves that nobody asked for, and so may ask nothing themselves. JupyterLab lets two saves of a notebook overlap; then it
 * takes what the one wrote for somebody else's change and has the reader choose: "File Changed".
 */

type Context = NotebookPanel["context"]

/** Tolerance of JupyterLab's own, where a server gives no hashes. */
const sameTimeMs = 500

const busy = new WeakSet<Context>()

/** To be called before the first save of a notebook. */
export function watchSaves(context: Context): void {
  context.saveState.connect((_, state) => {
    if (state === "started") busy.add(context)
    else busy.delete(context)
  })
}

/** Saves the notebook as it is when no other save is under way; leaves it to the reader where the file is not as it was. */
export async function saveQuietly(context: Context, contents: Contents.IManager): Promise<void> {
  while (busy.has(context)) await nextSaveState(context)
  const { contentsModel, model } = context
  if (context.isDisposed || !model.dirty || model.readOnly || contentsModel?.writable === false) return
  if (await isChangedOnDisk(context, contents)) return
  if (busy.has(context)) return saveQuietly(context, contents)
  const ours = context.save()
  // Whoever saves now waits until JupyterLab knows what we wrote.
  context.save = async () => {
    await ours.catch(() => {})
    return Object.getPrototypeOf(context).save.call(context)
  }
  try {
    await ours
  } finally {
    Reflect.deleteProperty(context, "save")
  }
}

async function isChangedOnDisk(
  { contentsModel, path }: Context,
  contents: Contents.IManager,
): Promise<boolean> {
  if (contentsModel === null) return true
  const onDisk = await contents.get(path, { content: false, hash: true })
  if (contentsModel.hash && onDisk.hash) return contentsModel.hash !== onDisk.hash
  return Date.parse(onDisk.last_modified) - Date.parse(contentsModel.last_modified) > sameTimeMs
}

function nextSaveState({ saveState }: Context): Promise<void> {
  return new Promise((resolve) => {
    const told = () => {
      saveState.disconnect(told)
      resolve()
    }
    saveState.connect(told)
  })
}
