/** The exports of a package that was written as CommonJS: where it was bundled, `import()` gives them as `default` only. */
export function exportsOf<T extends object>(module: T): T {
  const { default: own } = module as { default?: T }
  return own === undefined ? module : { ...own, ...module }
}
