import { capture } from "../../../kernel-ext/capture/capture.ts"
import { type LoadOptions, load } from "../../../kernel-ext/capture/load.ts"
import type { Captured, CellBindings, Loaded } from "../../../kernel-ext/capture/types.ts"

/** A captured function with what a worker makes of it, in this process. */
export function pairOf(fn: CallableFunction, options?: LoadOptions): { captured: Captured; loaded: Loaded } {
  const captured = capture(fn)
  return { captured, loaded: load(captured.shipment, options) }
}

/** Bindings of a notebook without cells, whose variables are `values`. */
export function bindingsOf(
  values: Record<string, unknown>,
  folder: string = import.meta.dirname,
): CellBindings {
  return {
    folder,
    lookup: (name) => (Object.hasOwn(values, name) ? { kind: "value", value: values[name] } : undefined),
    scripts: () => [],
  }
}
