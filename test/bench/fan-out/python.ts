export async function measurePython(): Promise<void> {}
