const timer = setTimeout(() => {}, 1)
const task = () => timer.hasRef()
