import type { ConsolePanel, IConsoleTracker } from "@jupyterlab/console"
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook"
import type { ServiceManager, Session } from "@jupyterlab/services"
import type { KernelSession } from "./session.ts"

/** A running session: by the notebook or console that has it open here, or by a connection of its own. */
export interface KernelPlace {
  readonly session: KernelSession
  /** "delays.ipynb" */
  readonly label: string
  /** Of the notebook, from the server's folder. */
  readonly path: string
  readonly isNotebook: boolean
  /** Undefined where nothing here shows it. */
  readonly panel: NotebookPanel | ConsolePanel | undefined
}

interface Held {
  readonly place: KernelPlace
  dispose(): void
}

interface Trackers {
  readonly services: Pick<ServiceManager.IManager, "sessions" | "kernelspecs">
  readonly notebooks: INotebookTracker
  readonly consoles: IConsoleTracker | null
}

/** Where this server's kernels for TypeScript run, whoever opened them. */
export class KernelPlaces {
  readonly #trackers: Trackers
  readonly #held = new Map<string, Held>()
  readonly #listeners = new Set<() => void>()

  constructor(trackers: Trackers) {
    this.#trackers = trackers
    const { services, notebooks, consoles } = trackers
    for (const panels of [notebooks, ...(consoles === null ? [] : [consoles])]) {
      panels.forEach((panel) => {
        this.#follow(panel)
      })
      panels.widgetAdded.connect((_: unknown, panel: NotebookPanel | ConsolePanel) => this.#follow(panel))
    }
    services.sessions.runningChanged.connect(this.#look, this)
    services.kernelspecs.specsChanged.connect(this.#look, this)
    this.#look()
  }

  get all(): readonly KernelPlace[] {
    return [...this.#held.values()].map(({ place }) => place)
  }

  observe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #follow(panel: NotebookPanel | ConsolePanel): void {
    panel.sessionContext.sessionChanged.connect(this.#look, this)
    panel.disposed.connect(this.#look, this)
    this.#look()
  }

  #look(): void {
    const panels = this.#openPanels()
    const running = new Map([...this.#trackers.services.sessions.running()].map((one) => [one.id, one]))
    const gone: Held[] = []
    for (const [id, held] of this.#held) {
      const isShown = panels.has(id)
      if (held.place.panel === panels.get(id) && (isShown || running.has(id))) continue
      this.#held.delete(id)
      gone.push(held)
    }
    for (const [id, panel] of panels) if (!this.#held.has(id)) this.#held.set(id, shownIn(panel))
    for (const [id, model] of running)
      if (!this.#held.has(id) && this.#isOurs(model)) this.#held.set(id, this.#connectTo(model))
    for (const listener of this.#listeners) listener()
    // Now that nobody has anything to say there any more.
    for (const held of gone) held.dispose()
  }

  /** By session. A console beside a notebook has the notebook's. */
  #openPanels(): Map<string, NotebookPanel | ConsolePanel> {
    const found = new Map<string, NotebookPanel | ConsolePanel>()
    const take = (panel: NotebookPanel | ConsolePanel) => {
      const id = panel.isDisposed ? undefined : panel.sessionContext.session?.id
      if (id !== undefined && !found.has(id)) found.set(id, panel)
    }
    this.#trackers.notebooks.forEach(take)
    this.#trackers.consoles?.forEach(take)
    return found
  }

  /** Others are left alone; the kernel itself says later whether it is cellfan. */
  #isOurs({ kernel }: Session.IModel): boolean {
    const specs = this.#trackers.services.kernelspecs.specs?.kernelspecs
    return kernel != null && specs?.[kernel.name]?.language === "typescript"
  }

  #connectTo(model: Session.IModel): Held {
    const connection = this.#trackers.services.sessions.connectTo({
      model,
      // Widgets of a notebook that is opened later need the comms.
      kernelConnectionOptions: { handleComms: false },
    })
    const isNotebook = model.type === "notebook"
    const path = model.path
    const label = model.name || path.slice(path.lastIndexOf("/") + 1)
    return {
      place: { session: connection, label, path, isNotebook, panel: undefined },
      dispose: () => connection.dispose(),
    }
  }
}

function shownIn(panel: NotebookPanel | ConsolePanel): Held {
  const place: KernelPlace = {
    session: panel.sessionContext,
    get label() {
      return panel.title.label
    },
    get path() {
      return panel.sessionContext.path
    },
    isNotebook: "content" in panel && "model" in panel.content,
    panel,
  }
  return { place, dispose: () => {} }
}
