const factor = 2
class Animal {
  static count = 5
  static #secret = 9
  static { Animal.count++ }
  #age = 1
  name: string
  constructor(name: string) { this.name = name }
  get age() { return this.#age }
  static make() { return new Animal("m" + Animal.#secret) }
  static raise() { Animal.#secret++ }
  speak() { return "a" + this.name }
}
class Dog extends Animal { twice = factor; override speak() { return super.speak() + "!" + this.age } static override make() { return super.make() } }
Animal.count = 70
Animal.raise()
const inputs = ["rex"]
const task = (x: string) => [new Dog(x).speak(), Dog.count, Animal.make().name, Dog.make().name, new Dog("q").twice]
