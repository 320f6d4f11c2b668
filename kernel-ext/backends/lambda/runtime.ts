/** Lambda's Node.js that is nearest to one here: functions meet the language and the library that they were written for. */
export function runtimeFor(nodeVersion: string = process.versions.node): "nodejs22.x" | "nodejs24.x" {
  return Number.parseInt(nodeVersion, 10) >= 24 ? "nodejs24.x" : "nodejs22.x"
}
