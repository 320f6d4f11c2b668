const task = () => { class Inner {}; return [new Inner()] }
