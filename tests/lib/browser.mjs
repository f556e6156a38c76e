// Chromium without a window, driven by its DevTools protocol over a pipe.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import assert from 'node:assert/strict';
import { deadline, until } from './wait.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const isThere = (name) => {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`]).length > 0;
  } catch {
    return false;
  }
};
export const chromium = process.env.STENOPOOL_CHROMIUM || names.find(isThere);
export const noBrowser = chromium ? false : `no browser is installed (${names.join(', ')})`;

const FLAGS = ['--headless=new', '--remote-debugging-pipe', '--no-first-run', '--disable-gpu', '--disable-dev-shm-usage', '--mute-audio',
  '--disable-extensions', '--disable-background-networking', '--disable-component-update', '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
  '--force-color-profile=srgb', '--force-prefers-reduced-motion', '--hide-scrollbars'];

export class Browser {
  #next = 1;
  #waiting = new Map();
  #sessions = new Map();

  // `microphone` is a WAV file that is said once; 'denied' or 'absent'; undefined: as a person's browser, which asks.
  static async launch({ microphone, args = [] } = {}) {
    const b = new Browser();
    b.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-browser-'));
    const all = [...FLAGS, `--user-data-dir=${b.dir}`, ...args];
    if (process.getuid() === 0) all.push('--no-sandbox');
    if (microphone === 'denied') all.push('--use-fake-ui-for-media-stream=deny', '--use-fake-device-for-media-stream');
    else if (microphone === 'absent') all.push('--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=0');
    else if (microphone) all.push('--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}%noloop`);
    b.child = spawn(chromium, [...all, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, HOME: b.dir } });
    b.log = '';
    b.child.stderr.on('data', (d) => (b.log += d));
    b.exited = new Promise((resolve) => b.child.on('exit', resolve));
    b.child.stdio[3].on('error', () => {});
    b.#listen(b.child.stdio[4]);
    await deadline(Promise.race([b.send('Browser.getVersion'), b.exited.then(() => assert.fail(`chromium left: ${b.log}`))]), () => `chromium: ${b.log}`)
      .catch(async (e) => {
        await b.close();
        throw e;
      });
    return b;
  }

  #listen(pipe) {
    let rest = Buffer.alloc(0);
    pipe.on('data', (d) => {
      rest = Buffer.concat([rest, d]);
      for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) this.#take(JSON.parse(rest.subarray(0, end).toString()));
    });
  }

  #take(message) {
    if (message.id === undefined) {
      this.#sessions.get(message.sessionId)?.event(message);
      return;
    }
    const { resolve, reject, method } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) reject(new Error(`${method}: ${message.error.message}`));
    else resolve(message.result);
  }

  send(method, params = {}, sessionId) {
    const id = this.#next++;
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    return deadline(new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method })), () => `the answer to ${method}`);
  }

  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(this, sessionId);
    this.#sessions.set(sessionId, tab);
    await tab.send('Emulation.setFocusEmulationEnabled', { enabled: true }); // who gets the focus hears of it, also when Tab had left the page
    await tab.start(url);
    return tab;
  }

  async close() {
    try {
      process.kill(-this.child.pid, 'SIGKILL'); // all of its processes; nothing of it is kept
    } catch {
      // it has left by itself
    }
    await this.exited;
    await until(() => {
      try {
        fs.rmSync(this.dir, { recursive: true, force: true });
        return true;
      } catch {
        return false; // one of them is still at its last write
      }
    }, `${this.dir} is removed`);
  }
}

export class Tab {
  constructor(browser, sessionId) {
    this.browser = browser;
    this.sessionId = sessionId;
    this.problems = []; // exceptions and what the page's policy forbade
    this.loaded = 0;
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  event({ method, params }) {
    if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded' && params.entry.source === 'security') this.problems.push(params.entry.text);
    if (method === 'Page.loadEventFired') this.loaded++;
  }

  async start(url) {
    for (const domain of ['Page', 'Runtime', 'Log', 'DOM']) await this.send(`${domain}.enable`);
    await this.goto(url);
  }

  async goto(url) {
    const before = this.loaded;
    await this.send('Page.navigate', { url });
    await until(() => this.loaded > before, `${url} is loaded`);
  }

  async evaluate(expression) {
    const r = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description ?? r.exceptionDetails.text);
    return r.result.value;
  }

  // Until the expression, in the page, is something true: that.
  async until(expression, what = expression) {
    // The page looks by itself for a while at a time: asking it all the time would take the cores from what is waited for.
    const looking = `new Promise((resolve) => { let left = 20; (function look() {
      const got = (${expression});
      if (got || --left === 0) resolve(got);
      else setTimeout(look, 50);
    })(); })`;
    return until(() => this.evaluate(looking), what).catch(async (e) => {
      throw new Error(`${e.message}; the page says: ${await this.evaluate('document.body.innerText')}; problems: ${this.problems}`);
    });
  }

  text(selector) {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText.trim()`);
  }

  // With a real pointer, where a person would: on what is there, has come to rest, and is not covered.
  async click(selector) {
    const at = await this.until(`(() => { const e = document.querySelector(${JSON.stringify(selector)});
      if (!e || e.disabled || e.ariaDisabled === 'true' || e.hidden) return null;
      e.scrollIntoView({ block: 'nearest' });
      const r = e.getBoundingClientRect();
      const at = { x: r.x + r.width / 2, y: r.y + r.height / 2 };
      const before = e.stoodAt;
      e.stoodAt = at;
      return before?.x === at.x && before.y === at.y && e.contains(document.elementFromPoint(at.x, at.y)) ? at : null; })()`, `${selector} can be clicked`);
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
  }

  async type(text) {
    await this.send('Input.insertText', { text });
  }

  async key(key, code = key) {
    for (const type of ['keyDown', 'keyUp']) await this.send('Input.dispatchKeyEvent', { type, key, code, ...(key === 'Enter' ? { text: '\r', windowsVirtualKeyCode: 13 } : {}), ...(key === 'Tab' ? { windowsVirtualKeyCode: 9 } : {}) });
  }

  async choose(selector, files) {
    const { root } = await this.send('DOM.getDocument');
    const { nodeId } = await this.send('DOM.querySelector', { nodeId: root.nodeId, selector });
    await this.send('DOM.setFileInputFiles', { nodeId, files });
  }

  async drop(files, { x = 300, y = 300 } = {}) {
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop']) await this.send('Input.dispatchDragEvent', { type, x, y, data });
  }

  async look({ width, height = 800, dark = false, phone = false }) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: phone ? 2 : 1, mobile: phone });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
  }

  async screenshot(file) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }
}
