enum Color { Red = 1, Blue }
const enum Size { Small = 5 }
namespace Shop { export const tax = 5; export function total() { return tax + Color.Blue } }
const { a, b: [c], ...others } = { a: 1, b: [2], d: 3, e: 4 }
const task = () => [Color.Blue, Color[1], Size.Small, Shop.total(), a + c, others]
