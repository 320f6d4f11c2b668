class Pattern extends RegExp {}
const patterns = { plain: /a/, noted: Object.assign(/b/, { note: 1 }) }
const task = () => [patterns.plain.test("a"), new Pattern("c").test("c"), patterns.noted.note]
