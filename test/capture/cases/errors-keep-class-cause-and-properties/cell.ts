class TooCold extends Error { degrees: number; constructor(degrees: number, options?: ErrorOptions) { super(`${degrees} degrees`, options); this.degrees = degrees; this.name = "TooCold" } }
const task = () => { try { throw new TooCold(-3, { cause: new Error("winter") }) } catch (error) { return error } }
// %% after
const [error] = results
;[error instanceof TooCold, error.degrees, error.message, error.cause.message, error.name]
