const arrow = () => 1
const named = function other() { return 2 }
class Kept { static make = () => 3; method() { return 4 } }
const task = () => [arrow.name, named.name, Kept.name, Kept.make.name, new Kept().method.name, (() => {}).name]
