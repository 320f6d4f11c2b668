const file = new File(["hello ", "world"], "hello.txt", { type: "text/plain", lastModified: 5 })
const inputs = [new Blob(["input"])]
const task = async (blob: Blob) => [await file.text(), file.name, file.type, file.lastModified, await blob.text(), blob instanceof Blob, new Blob(["back"], { type: "a/b" })]
// %% after
[results[0].slice(0, 6), await results[0][6].text(), results[0][6].type]
