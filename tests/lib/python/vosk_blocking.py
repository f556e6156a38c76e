# The same on the package websocket, whose calls block: it has no loop that could answer a ping while it waits.
import json
import sys
import wave

import websocket


def main(uri, path):
    socket = websocket.create_connection(uri)
    clip = wave.open(path, "rb")
    socket.send(json.dumps({"config": {"sample_rate": clip.getframerate()}}))
    while piece := clip.readframes(4000):
        socket.send_binary(piece)
        print(json.dumps(json.loads(socket.recv())))
    socket.send('{"eof" : 1}')
    print(json.dumps(json.loads(socket.recv())))
    opcode, data = socket.recv_data()
    print(json.dumps({"close": int.from_bytes(data[:2], "big") if opcode == websocket.ABNF.OPCODE_CLOSE else opcode}))
    socket.close()


main(*sys.argv[1:])
