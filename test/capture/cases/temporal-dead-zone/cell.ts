const soon = () => laterDeclared
const task = () => { try { return laterDeclared } catch (error) { return (error as Error).name } }
const outcome = task()
const laterDeclared = 6
// %%
const task = () => soon()
