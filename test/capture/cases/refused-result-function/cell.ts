const task = () => ({ callback: () => 1 })
