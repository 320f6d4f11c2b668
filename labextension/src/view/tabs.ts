import { element } from "./dom.ts"

/** Tabs as the ARIA practices have them: one stop for Tab, arrows among them. */
export class Tabs<K extends string> {
  readonly node: HTMLElement
  readonly #buttons: { readonly key: K; readonly button: HTMLButtonElement }[]
  readonly #choose: (key: K) => void

  constructor(
    label: string,
    tabs: Readonly<Record<K, string>>,
    panel: HTMLElement,
    choose: (key: K) => void,
  ) {
    this.#choose = choose
    this.#buttons = (Object.entries(tabs) as [K, string][]).map(([key, text], at) => {
      const attributes = {
        type: "button",
        role: "tab",
        "aria-selected": String(at === 0),
        tabindex: at === 0 ? "0" : "-1",
      }
      const button = element("button", "cellfan-Tab", attributes, text)
      button.addEventListener("click", () => this.select(key))
      return { key, button }
    })
    this.node = element("div", "cellfan-Tabs", { role: "tablist", "aria-label": label })
    this.node.append(...this.#buttons.map(({ button }) => button))
    this.node.addEventListener("keydown", (event) => this.#onKey(event))
    panel.setAttribute("role", "tabpanel")
    panel.setAttribute("aria-label", label)
  }

  select(key: K): void {
    for (const { key: own, button } of this.#buttons) {
      button.setAttribute("aria-selected", String(own === key))
      button.tabIndex = own === key ? 0 : -1
    }
    this.#choose(key)
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const at = this.#buttons.findIndex(({ button }) => button === document.activeElement)
    const next = this.#buttons.at((at + step) % this.#buttons.length)
    if (next === undefined) return
    event.preventDefault()
    next.button.focus()
    this.select(next.key)
  }
}
