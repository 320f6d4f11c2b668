const node: any = { n: 1, sum() { return this.n + this.self.n } }
node.self = node
const shared = { list: [1] }
const left = { shared }, right = { shared }
const index = new Map<any, any>([[node, new Set([node])]])
const task = () => { left.shared.list.push(2); return [node.sum(), node.self === node, [...index.keys()][0] === node, index.get(node).has(node), right.shared.list] }
