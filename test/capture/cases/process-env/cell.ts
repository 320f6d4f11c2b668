const { env } = process
process.env.CELLFAN_CASE = "of the notebook"
const task = () => { process.env.CELLFAN_CASE = "of the worker"; return [env === process.env, env.CELLFAN_CASE, env.CELLFAN_NOT_SET] }
// %% after
[results, env.CELLFAN_CASE]
