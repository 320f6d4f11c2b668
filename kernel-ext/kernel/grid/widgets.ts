import type { SavedJob } from "../../protocol/job-view.ts"
import { log } from "../log.ts"
import type { Comm, Comms } from "../types.ts"
import { widgetFiles } from "./widget-file.ts"

/**
 * Live views for front ends without our extension, by the protocols of Jupyter widgets and anywidget:
 *
 *     front end                               kernel
 *      │ comm_open "jupyter.widget.control"    │   it has a widget manager
 *      │ ←──── comm_open "jupyter.widget" ──── │   a probe, when a first job begins
 *      │ ──────────────── custom {here} ─────→ │   it has anywidget
 *      │ ←──── comm_open "jupyter.widget" ──── │   the model of a job, and then its view in the job's output
 *      │ ←─ custom messages of job-view.ts ──→ │
 */

const viewMime = "application/vnd.jupyter.widget-view+json"
const protocol = { version: "2.1.0" }
const base = "@jupyter-widgets/base"

/**
 * Any anywidget runs modules of this kind. VS Code puts the version into the address of a public copy: there it is what anywidget's own
 * 0.9, which runs them as well, asks for.
 */
const anywidgetVersion = (inVsCode: boolean) => (inVsCode ? "~0.9.*" : "*")

export interface JobWidget {
  /** For the output's bundle, beside the picture. */
  readonly data: Readonly<Record<string, unknown>>
  close(): void
}

export class Widgets {
  readonly #comms: Comms
  readonly #hasOurs: () => boolean
  readonly #states = new Map<string, Readonly<Record<string, unknown>>>()
  /** Models that a page found again: it opened after the kernel's own update of their output could still reach it. */
  readonly #restored = new Set<string>()
  #hasManager = false
  readonly #inVsCode = runsInVsCode(process.env)
  #hasAnywidget = this.#inVsCode
  #probed = false

  /** `hasOurs`: whether a front end with our own extension is there, which needs no widgets. */
  constructor(comms: Comms, hasOurs: () => boolean) {
    this.#comms = comms
    this.#hasOurs = hasOurs
    comms.register("jupyter.widget.control", (comm) => this.#serveManager(comm))
  }

  /** Finds out, in good time before a view is wanted, whether the front end can show one. */
  probe(): void {
    if (!this.#hasManager || this.#probed || this.#hasAnywidget || this.#hasOurs()) return
    this.#probed = true
    this.#guarded(() => {
      const comm = this.#openModel({ probe: true })
      comm.onMessage((data) => {
        const { method, content } = data as { method?: unknown; content?: { type?: unknown } }
        if (method !== "custom" || content?.type !== "here") return
        this.#hasAnywidget = true
        this.#closeModel(comm)
      })
    })
  }

  /** A live view of a job, where the front end can show one. `serve` speaks with it as with any view. */
  open(job: SavedJob, serve: (comm: Comm) => void): JobWidget | undefined {
    if (!this.#hasAnywidget || this.#hasOurs()) return undefined
    return this.#guarded(() => {
      const comm = this.#openModel({ job })
      serve(custom(comm))
      return {
        data: { [viewMime]: { version_major: 2, version_minor: 0, model_id: comm.id } },
        close: () => {
          // There the picture will not take its place.
          if (!this.#restored.has(comm.id)) this.#closeModel(comm)
        },
      }
    })
  }

  /** A page that was just opened or reloaded asks for the models there are. */
  #serveManager(comm: Comm): void {
    this.#hasManager = true
    comm.onMessage((data) => {
      if ((data as { method?: unknown }).method !== "request_states") return
      for (const id of this.#states.keys()) this.#restored.add(id)
      const states = Object.fromEntries([...this.#states].map(([id, state]) => [id, described(state)]))
      comm.send({ method: "update_states", states, buffer_paths: [] })
    })
  }

  #openModel(own: Readonly<Record<string, unknown>>): Comm {
    const layout = this.#open({ ...names(base, "2.0.0", "Layout") })
    const { code, css } = widgetFiles()
    const state = {
      ...names("anywidget", anywidgetVersion(this.#inVsCode), "Any"),
      _anywidget_id: "cellfan.Job",
      _esm: code,
      _css: css,
      _dom_classes: [],
      layout: `IPY_MODEL_${layout.id}`,
      tabbable: null,
      tooltip: null,
      ...own,
    }
    return this.#open(state)
  }

  #open(state: Readonly<Record<string, unknown>>): Comm {
    const comm = this.#comms.open("jupyter.widget", { state, buffer_paths: [] }, [], protocol)
    this.#states.set(comm.id, state)
    comm.onMessage((data) => {
      if ((data as { method?: unknown }).method === "request_state")
        comm.send({ method: "update", state, buffer_paths: [] })
    })
    comm.onClose(() => this.#states.delete(comm.id))
    return comm
  }

  #closeModel(comm: Comm): void {
    const layout = String(this.#states.get(comm.id)?.layout ?? "").replace("IPY_MODEL_", "")
    this.#states.delete(layout)
    this.#states.delete(comm.id)
    comm.close()
  }

  /** A widget is one more way to look: where it fails, the picture stays. */
  #guarded<T>(make: () => T): T | undefined {
    try {
      return make()
    } catch (error) {
      log(`No widget: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
}

/** VS Code brings anywidget along when an output wants it, and says nothing before; its own terminal runs other front ends. */
function runsInVsCode(env: NodeJS.ProcessEnv): boolean {
  return Object.keys(env).some((name) => name.startsWith("VSCODE_")) && env.TERM_PROGRAM !== "vscode"
}

function names(module: string, version: string, kind: string): Record<string, string> {
  return {
    _model_module: module,
    _model_module_version: version,
    _model_name: `${kind}Model`,
    _view_module: module,
    _view_module_version: version,
    _view_name: `${kind}View`,
  }
}

function described(state: Readonly<Record<string, unknown>>): object {
  return {
    model_name: state._model_name,
    model_module: state._model_module,
    model_module_version: state._model_module_version,
    state,
  }
}

/** The comm of a widget as the views' own comm: their messages are its custom ones. */
function custom(comm: Comm): Comm {
  return {
    id: comm.id,
    target: comm.target,
    send: (content, buffers) => comm.send({ method: "custom", content }, buffers),
    onMessage: (listener) =>
      comm.onMessage((data, buffers) => {
        const { method, content } = data as { method?: unknown; content?: unknown }
        if (method === "custom") listener(content, buffers)
      }),
    onClose: (listener) => comm.onClose(listener),
    close: (data) => comm.close(data),
  }
}
