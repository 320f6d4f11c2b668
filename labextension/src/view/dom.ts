/** Elements without a framework: what the views need of one is small. */

type Child = Node | string | undefined

/** An element with class, attributes and children. Text is text: nothing here parses HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  if (className !== "") made.className = className
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  for (const child of children) if (child !== undefined) made.append(child)
  return made
}

/** A signs-only button (`cellfan-mod-icon`) is named by its title. */
export function button(
  className: string,
  text: string,
  title: string,
  action: () => void,
): HTMLButtonElement {
  const made = element("button", `cellfan-Button ${className}`, { type: "button", title }, text)
  if (className === "cellfan-mod-icon") made.setAttribute("aria-label", title)
  made.addEventListener("click", action)
  return made
}

/** Sets text only where it differs, so that nothing is laid out again for nothing. */
export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setShown(node: HTMLElement, shown: boolean): void {
  if (node.hidden === shown) node.hidden = !shown
}

/** The tip under the pointer; none for an empty text. */
export function setTitle(node: HTMLElement, text: string): void {
  if (node.title !== text) node.title = text
}
