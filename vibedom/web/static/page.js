// Signing in with the one-time token, and talking to the server.

const PLACE = "vibedom-key";

/** Trade the token in the address for a session. Whether there is one. */
export async function enter() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    const answer = await fetch("/enter", { method: "POST", body: token });
    if (answer.ok) localStorage.setItem(PLACE, (await answer.json()).key);
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
  return answerOf(await fetch(path, { headers: headers() }));
}

export async function post(path, body) {
  const sent = { ...headers(), "Content-Type": "application/json" };
  return answerOf(await fetch(path, { method: "POST", headers: sent, body: JSON.stringify(body) }));
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
