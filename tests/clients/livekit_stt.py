"""LiveKit Agents with its plugin for OpenAI. BASE FILE MODEL WAY: rest, or realtime: speaks FILE (24 kHz) twice, the second time once it
is told to by a line of its input; models that have no turn detection are committed by LiveKit's own. A line of JSON for each event."""
import asyncio
import json
import sys
import wave

from livekit import rtc
from livekit.agents import inference, utils
from livekit.plugins import openai

base, file, model, way = sys.argv[1:5]
with wave.open(file) as w:
    pcm, rate = w.readframes(w.getnframes()), w.getframerate()
FRAME = rate // 50


def tell(**fields):
    print(json.dumps(fields), flush=True)


def frames(data):
    for at in range(0, len(data) - 2 * FRAME, 2 * FRAME):
        yield rtc.AudioFrame(data[at : at + 2 * FRAME], rate, 1, FRAME)


async def realtime(stt):
    stream = stt.stream()

    async def speak():
        for round in range(2):
            for frame in frames(bytes(rate) + pcm + bytes(rate * 4)):
                stream.push_frame(frame)
                await asyncio.sleep(0.01)  # twice as fast as anybody speaks
            if round == 0:
                await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

    speaking = asyncio.create_task(speak())
    finals = 0
    async for event in stream:
        text = event.alternatives[0].text if event.alternatives else None
        tell(type=event.type, text=text, language=event.alternatives[0].language if event.alternatives else None)
        finals += event.type == "final_transcript"
        if finals == 2:
            break
    speaking.cancel()
    await stream.aclose()


async def main():
    async with utils.http_context.open():
        own = {"vad": inference.VAD(model="silero")} if model in ("gpt-realtime-whisper", "gpt-live-transcribe") else {}
        stt = openai.STT(api_key="any", base_url=base + "/v1", model=model, language="en", use_realtime=way == "realtime", **own)
        if way == "realtime":
            await realtime(stt)
        else:
            event = await stt.recognize(list(frames(pcm)))
            tell(type=event.type, text=event.alternatives[0].text, language=event.alternatives[0].language)
        await stt.aclose()


asyncio.run(main())
