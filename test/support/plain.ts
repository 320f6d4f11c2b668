/** Text without the colours of a terminal. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours begin with one
  return text.replace(/\u001b\[[0-9;]*m/g, "")
}
