// Waiting for conditions, never for time: a deadline only says when to give up.
const DEADLINE_MS = Number(process.env.STENOPOOL_TEST_DEADLINE_MS || 120000);

export function deadline(promise, what, ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up after ${ms} ms: ${what()}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Asks again until `ask` gives something true, and returns that.
export async function until(ask, what) {
  const end = Date.now() + DEADLINE_MS;
  let last;
  for (;;) {
    last = await ask();
    if (last) return last;
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5)); // leaves the cores to what is waited for
  }
}
