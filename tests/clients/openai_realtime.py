"""openai's Realtime client. BASE FILE MODEL WAY, WAY one of:
  vad     turn detection; a second commit right behind each turn that the server has ended
  commit  what the model has by itself; the client commits at the end
  idle    connects, and says something only once it is told to by a line of its input
A line of JSON for each event."""
import asyncio
import base64
import json
import sys
import wave

from openai import AsyncOpenAI

base, file, model, way = sys.argv[1:5]
with wave.open(file) as w:
    pcm = w.readframes(w.getnframes())
    rate = w.getframerate()
pcm += bytes(rate * 2 * 2)


async def main():
    client = AsyncOpenAI(api_key="any", base_url=base + "/v1", websocket_base_url=base.replace("http", "ws") + "/v1")
    async with client.realtime.connect(model=model, extra_query={"intent": "transcription"}) as rt:

        async def speak():
            for at in range(0, len(pcm), rate // 5):
                await rt.input_audio_buffer.append(audio=base64.b64encode(pcm[at : at + rate // 5]).decode())
            if way == "commit":
                await rt.input_audio_buffer.commit()

        async def update():
            transcription = {"model": model, "language": "en"}
            audio = {"input": {"format": {"type": "audio/pcm", "rate": rate}, "transcription": transcription}}
            await rt.session.update(session={"type": "transcription", "audio": audio})

        if way != "idle":
            await update()
        else:
            print(json.dumps({"type": "waits"}), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            await update()
        async for event in rt:
            print(json.dumps(event.model_dump(mode="json")), flush=True)
            if event.type == "session.updated":
                speaking = asyncio.create_task(speak())
            if event.type == "input_audio_buffer.committed" and way == "vad":
                await rt.input_audio_buffer.commit()
            if event.type == "error" or (event.type.endswith("completed") and event.transcript):
                break
        speaking.cancel()


asyncio.run(main())
