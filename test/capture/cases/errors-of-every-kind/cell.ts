class HttpError extends Error { status: number; constructor(status: number) { super(`status ${status}`); this.status = status } }
const inputs = [0, 1, 2, 3]
const task = (n: number) => [
  new AggregateError([new TypeError("a"), new HttpError(404)], "several"),
  Object.assign(new SyntaxError("s", { cause: { code: 1 } }), { line: 7, deep: { list: [1] } }),
  new DOMException("late", "TimeoutError"),
  new HttpError(500),
][n]
// %% after
const [a, s, d, h] = results
;[a instanceof AggregateError, a.errors[0] instanceof TypeError, a.errors[1] instanceof HttpError, a.errors[1].status, s instanceof SyntaxError, s.cause.code, s.line, s.deep.list, d instanceof DOMException, d.name, d.code, h instanceof HttpError, h.message]
