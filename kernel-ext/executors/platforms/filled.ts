/** Values, with defaults for those that nobody has given. */
export function filled<T extends object, D extends Partial<T>>(
  values: T,
  defaults: D,
): Omit<T, keyof D> & { [K in keyof D & keyof T]-?: NonNullable<T[K]> } {
  return { ...defaults, ...given(values) } as never
}

/** Those that have a value. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

/** Those that a section has. */
export function ofSection<T extends object>(
  values: object,
  { shape }: { readonly shape: T },
): { [K in keyof T]?: unknown } {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key in shape)) as never
}
