// The page at /, in a browser without a window. What it looks like is left in artefacts/ of the build directory.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Browser, noBrowser } from './lib/browser.mjs';
import { Server, withServer, fake, set, run, build, program, root } from './lib/server.mjs';
import { Client, dictate } from './lib/client.mjs';
import { babble, clip, join, readWav, sentences, silence, speak } from './lib/speech.mjs';
import { edits, said as plain } from './lib/words.mjs';
import { wav } from './lib/audio.mjs';
import { until } from './lib/wait.mjs';

const skip = noBrowser;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-page-'));
const manual = { endpointing: 'manual' };
const sample = readWav(path.join(root, 'data/warmup.wav')).samples;
const short = join(babble(900), silence(200)); // a file is heard faster than the sample, which is played
const SAMPLE = 'good morning please send the first letter to my brother and keep a copy for the office';
let browser; // with a microphone that hears a babble

// A file that a microphone hears once: somebody who speaks a moment after it is opened.
function said(name, samples) {
  const file = path.join(dir, `${name}.wav`);
  fs.writeFileSync(file, wav(join(silence(1000), samples, silence(2000))));
  return file;
}

before(async () => {
  if (skip) return;
  fs.mkdirSync(path.join(build, 'artefacts'), { recursive: true });
  // A name that is this machine, but of which a browser does not know that.
  browser = await Browser.launch({ microphone: said('babble', babble(2000)), args: ['--host-resolver-rules=MAP elsewhere.test 127.0.0.1', '--ignore-certificate-errors'] });
});
after(async () => {
  await browser?.close();
  fs.rmSync(dir, { recursive: true });
});

const LINES = `[...document.querySelectorAll('#text .line:not(.failed) .words')].map((e) => e.innerText.trim()).join(' ')`;
const idle = (tab) => tab.until(`!document.body.classList.contains('running') && document.querySelector('#dictate').getAttribute('aria-disabled') !== 'true'`);
const lines = (tab) => tab.evaluate(LINES);
const notice = (tab, words) => tab.until(`document.querySelector('#notice').hidden ? '' : document.querySelector('#notice').innerText.match(${words})?.input`, `a notice says ${words}`);

async function open(tab, name, bytes) {
  fs.writeFileSync(path.join(dir, name), bytes);
  await tab.choose('#picker', [path.join(dir, name)]);
}
const hear = (tab) => open(tab, 'short.wav', wav(short));

// All that was said, once the session is over.
async function ended(tab) {
  await tab.until(`${LINES}.length > 0`, 'there is text');
  await idle(tab);
  return lines(tab);
}

// Opens the page, and finds it without a fault when `body` is done.
async function withPage(server, body, { where = browser, host } = {}) {
  const tab = await where.open(`http://${host ? `${host}:${server.port}` : server.address}/`);
  await body(tab);
  assert.deepEqual(tab.problems, []);
  await tab.send('Page.close');
}

// On a screen and on a phone, by day and by night; nothing may stick out of a phone's width.
async function pictures(tab, name) {
  for (const width of [1280, 390]) {
    for (const dark of [false, true]) {
      await tab.look({ width, height: width === 390 ? 844 : 800, dark, phone: width === 390 });
      await tab.screenshot(path.join(build, 'artefacts', `page-${name}-${width}-${dark ? 'dark' : 'light'}.png`));
      const [wide, paper] = await tab.evaluate(`[document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]`);
      assert.ok(wide <= width, `${name}: ${wide} px are wider than ${width}`);
      assert.equal(Number(paper.match(/\d+/)[0]) < 60, dark, paper);
    }
  }
  await tab.look({ width: 320, height: 600, phone: true });
  const wide = await tab.evaluate(`document.documentElement.scrollWidth`);
  assert.ok(wide <= 320, `${name}: ${wide} px are wider than 320`);
  await tab.look({ width: 1280 });
}

test('it shows who heard it and in which language, and the text as it was written', { skip }, () =>
  withServer(set({ 'vad.vad': 'statistical', 'pool.whisper.engine': 'fake_whole', 'pool.whisper.param.language': 'de', 'pool.whisper.param.model': 'base' }), (server) =>
    withPage(server, async (tab) => {
      await hear(tab);
      assert.notEqual(await ended(tab), '');
      assert.equal(await tab.evaluate(`document.querySelector('#heard-by').innerText.trim()`), 'whisper (fake_whole base) · German');
      await pictures(tab, 'language');
    })));

test('by microphone two browsers at once get their own words; a third page waits, sees its place, and gets its turn', { skip }, async () => {
  const first = clip('goforward');
  const second = speak(sentences[1]);
  const [a, b] = await Promise.all([first, second].map((c, i) => Browser.launch({ microphone: said(`speaker-${i}`, c.samples) })));
  try {
    await withServer(set({ 'pool.en.max': 2 }), async (server) => {
      await withPage(server, (one) => withPage(server, (two) => withPage(server, async (three) => {
        for (const tab of [one, two]) {
          await tab.click('#dictate');
          await tab.until(`document.querySelector('#status').innerText === 'Listening'`, 'it listens');
        }
        await three.click('#sample');
        await three.until(`!document.querySelector('#queue').hidden`, 'it waits');
        assert.equal(await three.text('#position'), '1');
        assert.match(await three.text('#queue'), /You are next\.\s+About .* to go/);
        await pictures(three, 'queued');
        for (const [tab, own, other] of [[one, first, second], [two, second, first]]) {
          const said = own.words.split(' ');
          for (let heard, times = 1; ; times++) {
            await tab.until(`${LINES}.length > 0`, 'there is text');
            await tab.click('#dictate');
            heard = plain(await ended(tab)).split(' ');
            assert.ok(!other.words.split(' ').some((w) => heard.includes(w)), `${heard} of ${other.words}`);
            if (said.filter((w) => heard.includes(w)).length >= said.length - 1) break;
            assert.ok(times < 5, `${heard} of ${own.words}`);
            await tab.click('#clear'); // a browser that gets too little time gives a microphone's sound with holes in it
            await tab.click('#dictate');
          }
          assert.match(await tab.text('#final-text'), /^[\d.]+ m?s$/);
        }
        assert.ok(edits(SAMPLE, await ended(three)) <= 2);
        assert.equal(await three.evaluate(`document.querySelector('#queue').hidden`), true);
        await three.look({ width: 390, height: 844, phone: true });
        await three.click('.word.unsure');
        assert.match(await three.text('#tip'), /^\d+ % sure$/);
        await three.screenshot(path.join(build, 'artefacts', 'page-word-390-light.png'));
        await pictures(three, 'final');
      }, { where: a }), { where: b }), { where: a });
    });
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

test('text comes while it is spoken; Enter on the button starts, and ends the session', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    await pictures(tab, 'idle');
    await tab.evaluate(`document.querySelector('#dictate').focus()`);
    await tab.key('Enter');
    await tab.until(`document.querySelector('#partial').innerText.trim().length > 0`, 'there is a partial');
    await pictures(tab, 'speaking');
    assert.equal(await tab.evaluate('document.title'), '● Stenopool');
    await tab.until(`${LINES}.length > 0`, 'there is text');
    await tab.key('Enter');
    await idle(tab);
    assert.equal(await tab.evaluate('document.activeElement.id'), 'dictate', 'it has had the focus all the time');
    assert.match(await tab.text('#first-words'), /^[\d.]+ m?s$/);
    assert.match(await tab.text('#audio-sent'), /^[\d.]+ s$/);
    assert.deepEqual(await tab.evaluate(`[document.querySelector('#text').getAttribute('aria-live'), document.querySelector('#status').getAttribute('role')]`), ['polite', 'status']);
  }));
});

test('files are heard by the picker and by dropping them, one after another; what only the browser can decode as well', { skip }, async () => {
  const samples = join(babble(1000), silence(1500), babble(800, 2));
  const file = (name, bytes) => {
    fs.writeFileSync(path.join(dir, name), bytes);
    return path.join(dir, name);
  };
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    const expected = (await dictate(server, samples)).text;
    await tab.choose('#picker', [file('picked.wav', wav(samples)), file('deep.wav', wav(samples, { bits: 24 }))]);
    await tab.until(`document.querySelectorAll('#text .line').length === 4`, 'both files have been heard');
    await idle(tab);
    assert.equal(await lines(tab), `${expected} ${expected}`);
    await tab.click('#clear');
    await tab.drop([file('dropped.wav', wav(samples))]);
    assert.equal(await ended(tab), expected);
    await tab.drop([file('words.txt', 'no audio')]);
    await notice(tab, /words\.txt: This browser cannot find audio in the file\./);
  }));
});

// The elements that Tab goes to, from the one that has the focus to the last.
async function tabStops(tab) {
  const stops = [];
  for (;;) {
    await tab.key('Tab');
    const [name, outline] = await tab.evaluate(`[document.activeElement.id || document.activeElement.className || document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]`);
    if (name === 'BODY') return stops;
    assert.equal(outline, 'solid', `${name} shows that it has the focus`);
    stops.push(name.split(' ')[0]);
  }
}

test('with the keyboard alone nobody passes by all unsure words, and the focus is never lost', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    await tab.evaluate(`document.querySelector('#sample').focus()`);
    await tab.key('Enter');
    await tab.until(`document.body.classList.contains('running')`, 'it runs');
    assert.equal(await tab.evaluate('document.activeElement.id'), 'dictate', 'the button that was pressed has gone');
    await ended(tab);
    assert.ok(await tab.evaluate(`document.querySelectorAll('#text .unsure').length`) > 1);
    await tab.evaluate(`document.querySelector('#copy').focus()`);
    assert.deepEqual(await tabStops(tab), ['txt', 'srt', 'clear', 'word', 'file', 'dictate', 'sample']);
    await tab.evaluate(`document.querySelector('#text [tabindex="0"]').focus()`);
    const word = () => tab.evaluate(`[[...document.querySelectorAll('#text .unsure')].indexOf(document.activeElement), document.querySelector('#tip').hidden, document.activeElement.getAttribute('aria-describedby')]`);
    assert.deepEqual(await word(), [0, false, 'tip']);
    await tab.evaluate(`document.body.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))`); // of a pointer that rests
    assert.deepEqual(await word(), [0, false, 'tip']);
    await tab.key('ArrowRight');
    assert.deepEqual(await word(), [1, false, 'tip']);
    await tab.key('ArrowLeft');
    assert.deepEqual(await word(), [0, false, 'tip']);
    await tab.evaluate(`document.querySelector('#clear').focus()`);
    await tab.key('Enter');
    assert.equal(await tab.evaluate('document.activeElement.id'), 'dictate');
  }));
});

test('of a long text the end is in sight, and with it what can be done with it and what is wrong', { skip }, async () => {
  await withServer(fake({ 'server.drain_timeout_ms': 100, 'server.cut_timeout_ms': 100 }), (server) => withPage(server, async (tab) => {
    await tab.look({ width: 390, height: 844, phone: true });
    await open(tab, 'long.wav', wav(join(...Array.from({ length: 12 }, (_, i) => [babble(3000, i), silence(1200)]).flat())));
    await tab.until(`document.querySelectorAll('#text .line').length === 12`, 'all of it has been heard');
    await idle(tab);
    const inSight = (selector) => tab.evaluate(`(() => { const e = document.querySelector('${selector}'), r = e.getBoundingClientRect();
      return e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)); })()`);
    const below = `document.documentElement.scrollHeight - document.documentElement.scrollTop - innerHeight`;
    assert.ok(await tab.evaluate(below) < 5, `the page follows, but for ${await tab.evaluate(below)} px`);
    for (const id of ['#copy', '#clear', '#dictate']) assert.ok(await inSight(id), id);
    await pictures(tab, 'long');
    await tab.look({ width: 390, height: 844, phone: true });
    await tab.evaluate(`scrollTo(0, document.documentElement.scrollHeight)`);
    await tab.evaluate(`void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotFoundError')))`);
    await tab.click('#dictate');
    await notice(tab, /^No microphone was found/);
    assert.ok(await inSight('#notice'));
  }));
});

test('a microphone that gives no sound is said, and no more once it does', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    await tab.evaluate(`void (navigator.mediaDevices.getUserMedia = async () => {
      const context = new AudioContext(), out = context.createMediaStreamDestination();
      window.sound = new OscillatorNode(context, { frequency: 200 });
      window.sound.connect(out);
      return out.stream;
    })`);
    await tab.click('#dictate');
    await tab.until(`document.querySelector('#status').innerText === 'The microphone gives no sound. Is it muted?'`);
    await tab.evaluate('void window.sound.start()');
    await tab.until(`document.querySelector('#status').innerText === 'Listening'`);
    await tab.click('#dictate');
    await idle(tab);
  }));
});

test('text is saved as a file and as subtitles, and copied', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    await browser.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: dir });
    await browser.send('Browser.grantPermissions', { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite', 'audioCapture'] });
    await hear(tab);
    const text = await ended(tab);
    const saved = async (ending) => {
      await tab.click(`#${ending}`);
      return until(() => {
        const name = fs.readdirSync(dir).find((n) => n.startsWith('stenopool-') && n.endsWith(`.${ending}`));
        return name && fs.readFileSync(path.join(dir, name), 'utf8');
      }, `a .${ending} is saved`);
    };
    assert.equal(await saved('txt'), `${text}\n`);
    const subtitles = await saved('srt');
    assert.match(subtitles, /^1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\n\S/);
    assert.equal(subtitles.split('\n').filter((l) => /^[a-z]/.test(l)).join(' '), text);
    await tab.send('Page.bringToFront');
    await tab.click('#copy');
    await tab.until(`document.querySelector('#status').innerText === 'Copied.'`);
    assert.equal(await tab.evaluate('navigator.clipboard.readText()'), text);
  }));
});

test('two tabs of one browser at once have their own sessions', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, (one) => withPage(server, async (two) => {
    await one.click('#sample');
    await two.click('#sample');
    await server.until(async () => (await server.status()).sessions.length === 2, 'there are two sessions');
    const expected = (await dictate(server, sample)).text;
    assert.deepEqual([await ended(one), await ended(two)], [expected, expected]);
  })));
});

test('a server that dies and comes again in the middle costs no word', { skip }, async () => {
  const first = await Server.start(fake());
  let second;
  try {
    await withPage(first, async (tab) => {
      const expected = (await dictate(first, sample)).text;
      await tab.click('#sample');
      await tab.until(`document.querySelector('#partial').innerText.trim().length > 0`, 'there is a partial');
      first.abandon();
      await notice(tab, /^The (connection to the server was lost|server cannot be reached)\. What was said is kept\. Trying again in/);
      await pictures(tab, 'lost');
      const launch = (args, options) => spawn(program, args.map((a) => (a === '127.0.0.1:0' ? first.address : a)), options);
      second = await Server.start(fake(), { launch });
      assert.equal(await ended(tab), expected);
      assert.equal(await tab.evaluate(`document.querySelector('#notice').hidden`), true);
    });
  } finally {
    if (!first.stopped) first.abandon();
    await second?.stop();
  }
});

test('a microphone that is denied, absent, taken, or not for this page is a sentence, and files still work', { skip }, async () => {
  const denying = await Browser.launch({ microphone: 'denied' });
  try {
    await withServer(fake(), async (server) => {
      await withPage(server, async (tab) => {
        await tab.click('#dictate');
        await notice(tab, /^The microphone is blocked for this page\. Allow it/);
        await idle(tab);
        await pictures(tab, 'denied');
        for (const [name, words] of [['NotFoundError', /^No microphone was found/], ['NotReadableError', /another program is using it/]]) {
          await tab.evaluate(`void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '${name}')))`);
          await tab.click('#dictate');
          await notice(tab, words);
          await idle(tab);
        }
        await hear(tab);
        assert.equal(await ended(tab), (await dictate(server, short)).text);
      }, { where: denying });
      await withPage(server, async (tab) => {
        assert.equal(await tab.evaluate('isSecureContext'), false);
        await tab.click('#dictate');
        await notice(tab, /^Browsers give the microphone only to pages that come by https, or from this same machine/);
      }, { host: 'elsewhere.test' });
    });
  } finally {
    await denying.close();
  }
});

test('a full server is a sentence with the time of the next attempt, and Stop ends the waiting', { skip }, async () => {
  await withServer(fake({ 'pool.en.max': 1, 'pool.en.queue_max': 0 }), (server) => withPage(server, async (tab) => {
    const other = await Client.start(server, manual);
    await other.event('ready');
    await tab.click('#dictate'); // a microphone, as the sample would end while pictures are taken
    await notice(tab, /^The server is full\..* Trying again in .*queue_max/s);
    await pictures(tab, 'full');
    await tab.click('#dictate');
    await tab.until(`document.querySelector('#dictate').innerText.trim() === 'Do not wait'`);
    await tab.click('#dictate');
    await idle(tab);
    assert.equal(await tab.evaluate(`document.querySelector('#notice').hidden`), true, 'nothing is tried any more');
    await other.finish();
    await hear(tab);
    assert.equal(await ended(tab), (await dictate(server, short)).text);
  }));
});

test('a server that wants a key asks for it; it is kept in the tab and nowhere else', { skip }, async () => {
  const file = path.join(dir, 'keys');
  const key = (await run(['keys', 'add', 'alice', '--file', file])).stdout.trim();
  await withServer(fake({ 'server.keys_file': file }), (server) => withPage(server, async (tab) => {
    const enter = async (text) => {
      await tab.until(`document.activeElement.id === 'key'`, 'the field for the key waits');
      await tab.type(text);
      await tab.key('Enter');
    };
    await tab.until(`!document.querySelector('#key-form').hidden`, 'a key is asked for');
    await pictures(tab, 'key');
    await tab.evaluate(`void document.querySelector('#key').blur()`);
    await hear(tab); // the server says so as well
    await enter('sp_wrong');
    await tab.until(`document.querySelector('#key-why').innerText === 'This key is not one of the server’s.'`, 'it says that the key is wrong');
    await pictures(tab, 'wrong-key');
    await enter(key);
    await tab.until(`document.querySelector('#key-form').hidden`, 'the key is taken');
    await hear(tab);
    assert.equal(await ended(tab), await heardWith(server, key));
    assert.deepEqual(await tab.evaluate(`[Object.values(sessionStorage), localStorage.length, document.cookie, location.href.includes('sp_')]`), [[key], 0, '', false]);
    assert.ok(!server.log.includes(key));
  }));
});

test('a key that has as many sessions open as it may is told so, and gets in once one has ended', { skip }, async () => {
  const file = path.join(dir, 'one');
  const key = (await run(['keys', 'add', 'alice', '--sessions', '1', '--file', file])).stdout.trim();
  await withServer(fake({ 'server.keys_file': file }), (server) => withPage(server, async (tab) => {
    const other = await Client.start(server, manual, { headers: { Authorization: `Bearer ${key}` } });
    await other.event('ready');
    await tab.until(`document.activeElement.id === 'key'`, 'the field for the key waits');
    await tab.type(key);
    await tab.key('Enter');
    await tab.until(`document.querySelector('#key-form').hidden`, 'the key is taken');
    assert.equal(await tab.evaluate('document.activeElement.id'), 'dictate');
    await hear(tab);
    await notice(tab, /^This key has as many sessions open as it may\..* Trying again in .*sessions=1/s);
    await other.finish();
    assert.ok((await ended(tab)).length > 0);
  }));
});

async function heardWith(server, key) {
  const c = await Client.start(server, {}, { headers: { Authorization: `Bearer ${key}` } });
  c.audio(short);
  await c.finish();
  return c.text;
}

test('a page by a name that the server does not know to be its own is told so, and not that the server is full', { skip }, async () => {
  await withServer(fake(), (server) => withPage(server, async (tab) => {
    await hear(tab);
    await notice(tab, /^Pages of http:\/\/elsewhere\.test:\d+ may not use this server; its allowed_origins would have to name them\./);
    await idle(tab);
  }, { host: 'elsewhere.test' }));
  await withServer(fake({ 'server.allow_open': 'yes' }), (server) => withPage(server, async (tab) => {
    await hear(tab);
    assert.ok((await ended(tab)).length > 0);
  }, { host: 'elsewhere.test' }));
});

test('by https the page has the microphone under any name, and speaks wss', { skip }, async () => {
  const [key, certificate] = ['key', 'certificate'].map((name) => path.join(dir, `${name}.pem`));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=elsewhere.test',
    '-addext', 'subjectAltName=DNS:elsewhere.test', '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  const secure = ['--listen', '127.0.0.1:0', ...set({ 'listen.listen2.certificate': certificate, 'listen.listen2.key': key, 'server.allow_open': 'yes' })];
  await withServer([...secure, ...fake()], async (server) => {
    const [, port] = await server.says(/listening on https:\/\/127\.0\.0\.1:(\d+)/);
    const tab = await browser.open(`https://elsewhere.test:${port}/`);
    assert.equal(await tab.evaluate('isSecureContext'), true);
    await tab.click('#dictate');
    await tab.until(`document.querySelector('#partial').innerText.trim().length > 0 || ${LINES}.length > 0`, 'it is heard');
    await tab.click('#dictate');
    assert.ok((await ended(tab)).length > 0);
    assert.deepEqual(tab.problems, []);
    await tab.send('Page.close');
  });
});

test('of several pools one is chosen', { skip }, async () => {
  await withServer([...fake(), ...set({ 'pool.de.engine': 'fake', 'pool.de.param.model': 'other' })], (server) => withPage(server, async (tab) => {
    await tab.until(`!document.querySelector('#pool-field').hidden`, 'there is a choice');
    assert.deepEqual(await tab.evaluate(`[...document.querySelector('#pool').options].map((o) => o.value)`), ['en', 'de']);
    await tab.evaluate(`document.querySelector('#pool').value = 'de'`);
    await hear(tab);
    const text = await ended(tab);
    assert.equal(text, (await dictate(server, short, { pool: 'de' })).text);
    assert.notEqual(text, (await dictate(server, short)).text);
  }));
});

test('files come with a tag, and are not sent again while they are the same; page = no turns them off', async () => {
  await withServer(fake(), async (server) => {
    const whole = await server.get('/page.js');
    assert.deepEqual([whole.status, whole.headers['content-type']], [200, 'text/javascript; charset=utf-8']);
    assert.match(whole.headers['content-security-policy'], /default-src 'none'/);
    const again = await server.get('/page.js', { headers: { 'If-None-Match': whole.headers.etag } });
    assert.deepEqual([again.status, again.body], [304, '']);
    const head = await server.get('/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, Number(head.headers['content-length']) > 1000], [200, '', true]);
  });
  await withServer(fake({ 'server.page': 'no' }), async (server) => {
    for (const name of ['/', '/page.js', '/stenopool.js', '/favicon.ico']) assert.equal((await server.get(name)).status, 404);
  });
});
