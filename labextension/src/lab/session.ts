import type { Kernel } from "@jupyterlab/services"
import type { ISignal } from "@lumino/signaling"

/** What the session of a notebook or console that is open here and one that is only running have in common. */
export type KernelSession = SessionSignals &
  (
    | { readonly session: { readonly kernel: Kernel.IKernelConnection | null } | null }
    | { readonly kernel: Kernel.IKernelConnection | null }
  )

interface SessionSignals {
  readonly kernelChanged: ISignal<unknown, unknown>
  readonly statusChanged: ISignal<unknown, Kernel.Status>
  readonly connectionStatusChanged: ISignal<unknown, Kernel.ConnectionStatus>
}

export function kernelOf(of: KernelSession): Kernel.IKernelConnection | undefined {
  return ("session" in of ? of.session?.kernel : of.kernel) ?? undefined
}
