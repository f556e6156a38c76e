"""pipecat's Realtime service in a pipeline. BASE FILE MODEL VAD: FILE is spoken twice, the second time once it is told to by a line of its
input; VAD is server, or local: then turns end by a frame as a local detector sends it. A line of JSON for each frame that comes out."""
import asyncio
import json
import sys
import wave

from pipecat.frames.frames import EndFrame, ErrorFrame, InputAudioRawFrame, InterimTranscriptionFrame, TranscriptionFrame, VADUserStoppedSpeakingFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.stt import OpenAIRealtimeSTTService

base, file, model, vad = sys.argv[1:5]
with wave.open(file) as w:
    pcm, rate = w.readframes(w.getnframes()), w.getframerate()


class Teller(FrameProcessor):
    def __init__(self):
        super().__init__()
        self.finals = asyncio.Queue()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, (TranscriptionFrame, InterimTranscriptionFrame)):
            print(json.dumps({"type": type(frame).__name__, "text": frame.text}), flush=True)
        elif isinstance(frame, ErrorFrame):
            print(json.dumps({"type": "ErrorFrame", "text": frame.error}), flush=True)
        if isinstance(frame, TranscriptionFrame):
            await self.finals.put(frame.text)
        await self.push_frame(frame, direction)


async def main():
    settings = OpenAIRealtimeSTTService.Settings(model=model)
    detection = {"type": "server_vad"} if vad == "server" else False
    stt = OpenAIRealtimeSTTService(api_key="any", base_url=base.replace("http", "ws") + "/v1/realtime", turn_detection=detection, settings=settings)
    teller = Teller()
    task = PipelineTask(Pipeline([stt, teller]), params=PipelineParams(audio_in_sample_rate=rate), idle_timeout_secs=None)

    @task.event_handler("on_pipeline_error")
    async def on_pipeline_error(task, frame):
        print(json.dumps({"type": "ErrorFrame", "text": frame.error}), flush=True)

    async def speak():
        for round in range(2):
            sound = bytes(rate) + pcm + bytes(rate * 4)
            for at in range(0, len(sound), rate // 25):
                await task.queue_frame(InputAudioRawFrame(sound[at : at + rate // 25], rate, 1))
                await asyncio.sleep(0.01)  # twice as fast as anybody speaks
            if vad == "local":
                await task.queue_frame(VADUserStoppedSpeakingFrame())
            await teller.finals.get()
            if round == 0:
                await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await task.queue_frame(EndFrame())

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), speak())


asyncio.run(main())
