/** Bytes in the unit that people read: "640 B", "12.3 kB", "4.0 MB". */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ["kB", "MB", "GB", "TB"]
  let size = bytes / 1000
  let unit = 0
  while (size >= 999.95 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${size.toFixed(1)} ${units[unit]}`
}

/** `text`, or its beginning with a last line that says how much there is. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  return `${text.slice(0, maxLength)}\n… cut: ${text.length.toLocaleString("en")} characters, ${maxLength.toLocaleString("en")} shown`
}
