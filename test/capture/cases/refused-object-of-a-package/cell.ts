import _ from "lodash"
const chain = _.chain([1, 2])
const task = () => chain.value()
