const walk = (x: any) => {
  outer: for (const a of [1, 2]) for (const b of [1, 2]) { if (b === 2) continue outer; if (a === 3) break outer }
  try { throw { q: x?.z ?? 9 } } catch ({ q }: any) { switch (q) { case 9: { const word = `t${q}`; return word.replace(/t(\d)/, "$1") } } }
}
const inputs = [null]
const task = (x: any) => walk(x)
