const held = { deep: new WeakRef({}) }
const task = () => held.deep.deref()
