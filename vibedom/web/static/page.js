// Signing in with the one-time token, and talking to the server.

const PLACE = "vibedom-key";
const VISITOR = "vibedom-visitor";

/** A number nobody can guess. */
const numbered = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Fetch, and again where the answer is lost: browsers drop what is under way when a network interface comes or goes. */
async function reach(path, about) {
  for (let turn = 1; ; turn += 1) {
    try {
      const response = await fetch(path, about);
      return new Response([204, 304].includes(response.status) ? null : await response.arrayBuffer(), { status: response.status });
    } catch (error) {
      if (turn === 10) throw new Error("vibedom does not answer; does the command still run?", { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Trade the token in the address for a session. Whether there is one. */
export async function enter() {
  const token = location.hash.slice(1);
  if (token) {
    // Kept until there is an answer, over a reload too: the server gives it to this visitor only, as often as he asks.
    sessionStorage.setItem(VISITOR, sessionStorage.getItem(VISITOR) ?? numbered());
    const answer = await reach("/enter", { method: "POST", body: `${sessionStorage.getItem(VISITOR)} ${token}` });
    if (answer.ok) localStorage.setItem(PLACE, (await answer.json()).key);
    history.replaceState(null, "", location.pathname);
  }
  return localStorage.getItem(PLACE) !== null;
}

const headers = () => ({ "X-Vibedom-Key": localStorage.getItem(PLACE) ?? "" });

/** What is shown where there is no session. */
export function close(text) {
  const box = document.createElement("div");
  box.className = "closed";
  const title = document.createElement("h1");
  title.textContent = "This page is closed";
  const words = document.createElement("p");
  words.className = "soft";
  words.textContent = text;
  box.append(title, words);
  document.body.replaceChildren(box);
}

async function answerOf(response) {
  if (response.ok) return response.json();
  throw new Error((await response.text()).slice(0, 500));
}

export async function get(path) {
  return answerOf(await reach(path, { headers: headers() }));
}

export async function post(path, body) {
  const sent = { ...headers(), "Content-Type": "application/json", "X-Vibedom-Request": numbered() };
  return answerOf(await reach(path, { method: "POST", headers: sent, body: JSON.stringify(body) }));
}

/** Follow a stream of JSON lines; `take` gets each, `state` hears `live` and `gone`. Comes back by itself. */
export async function follow(path, take, state) {
  for (;;) {
    try {
      const response = await fetch(path, { headers: headers() });
      if (response.status === 401) return close("Run `vibedom dashboard` again for a new link: each works once.");
      if (response.ok) {
        state("live");
        take({ restart: true });
        await read(response.body.getReader(), take);
      }
    } catch { /* the server is gone: said below */ }
    state("gone");
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

async function read(reader, take) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  }
}
