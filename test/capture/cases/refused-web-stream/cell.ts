const body = new Response("text").body!
const task = async () => body.locked
