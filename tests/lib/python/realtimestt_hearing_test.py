"""What contrib/realtimestt/hearing.py makes of the stand-in, whose residue is that of the real recorder.
usage: PYTHONPATH=tests/lib/python:contrib/realtimestt python3 -m unittest realtimestt_hearing_test"""

import os
import tempfile
import threading
import unittest

import hearing
from RealtimeSTT import LOUD, STEP, AudioToTextRecorder


def spoken(word, tenths, extra=0):
    """Samples that are the word number `word`, so often; `extra` samples more than whole ones."""
    level = LOUD + STEP * word
    return b''.join((level if i % 2 else -level).to_bytes(2, 'little', signed=True) for i in range(1600 * tenths + extra))


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def make(self, renews=True, **given):
        given = {'model': self.folder.name, 'realtime_processing_pause': '0.01', **given}
        h = hearing.Hearing(AudioToTextRecorder, hearing.settings(AudioToTextRecorder, given), renews)
        self.addCleanup(h.close)
        return h

    def fault(self, name, text=''):
        with open(os.path.join(self.folder.name, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def say(self, h, *args, goes_on=lambda: True):
        h.begin()
        h.audio(spoken(*args))
        return h.end(goes_on).text


class Utterances(Base):
    def test_all_of_it_and_nothing_else(self):
        for renews in (True, False):
            h = self.make(renews)
            self.assertEqual(self.say(h, 0, 3), 'Alpha alpha alpha.')
            self.assertEqual(self.say(h, 1, 2), 'Bravo bravo.')

    def test_one_without_audio_has_no_text(self):
        h = self.make()
        h.begin()
        self.assertEqual(h.end(lambda: True), hearing.Heard())
        self.assertEqual(self.say(h, 2, 1), 'Charlie.')

    def test_what_fills_no_chunk_is_not_kept_for_the_next(self):
        h = self.make(renews=False)
        self.assertEqual(self.say(h, 3, 1, 830), 'Delta delta.')
        self.assertEqual(self.say(h, 4, 1), 'Echo.')

    def test_language_is_that_of_the_utterance(self):
        h = self.make(language='de')
        h.begin('en')
        self.assertEqual(h._recorder.real.language, 'en')
        h.abort()
        h.begin()
        self.assertEqual(h._recorder.real.language, 'de')

    def test_partials_are_those_of_the_utterance(self):
        h = self.make()
        h.begin()
        h.audio(spoken(0, 2))
        while h.partial() != 'Alpha alpha':
            pass
        h.end(lambda: True)
        h.begin()
        self.assertEqual(h.partial(), '')

    def test_a_late_partial_of_the_one_before_is_not_taken(self):
        h = self.make(renews=False)
        told = threading.Event()
        tell = h._recorder.real._tell
        h._recorder.real._tell = lambda *args: (tell(*args), told.set())
        h.begin()
        h.audio(spoken(0, 2))
        self.assertTrue(told.wait(10))
        self.assertEqual(h.partial(), 'Alpha alpha')
        h.end(lambda: True)
        h.begin()
        tell(h._recorder.real.realtime_recording_id - 1, 'Late')
        self.assertEqual(h.partial(), '')
        tell(h._recorder.real.realtime_recording_id, 'In time')
        self.assertEqual(h.partial(), 'In time')


class Clients(Base):
    def test_reset_leaves_nothing(self):
        for renews in (True, False):
            h = self.make(renews)
            h.begin()
            h.audio(spoken(5, 3, 100))
            h.reset()
            self.assertEqual(self.say(h, 6, 1), 'Golf.')
            self.assertEqual(h.renewed, 1 if renews else 0)

    def test_what_was_aborted_is_in_no_text(self):
        h = self.make(renews=False)
        h.begin()
        h.audio(spoken(5, 3, 100))
        h.abort()
        self.assertEqual(self.say(h, 6, 1), 'Golf.')
        self.assertEqual(h.renewed, 0)

    def test_a_final_that_was_given_up_is_in_no_text(self):
        h = self.make(renews=False)
        self.fault('slow', '0.3')
        with self.assertRaises(hearing.GivenUp):
            self.say(h, 5, 3, goes_on=lambda: False)
        self.fault('slow', '0')
        self.assertEqual(self.say(h, 6, 1), 'Golf.')
        self.assertEqual(h.renewed, 1)

    def test_the_stand_in_itself_would_tell_it(self):
        """As the real one does: else the test above would show nothing."""
        real = self.make()._recorder.real
        self.fault('slow', '0.3')
        for word in (5, 6):
            real.start()
            real.feed_audio(spoken(word, 1))
            real.drain_audio_input(10)
            real.stop()
            said = []
            thread = threading.Thread(target=lambda: said.append(real.text()))
            thread.start()
            while word == 5 and not real.in_text:
                pass
            if word == 5:
                real.abort()
            thread.join()
        self.assertEqual(said, ['Foxtrot.'])

    def test_an_error_costs_the_recorder(self):
        h = self.make()
        self.fault('fail')
        with self.assertRaisesRegex(hearing.HearingError, 'the model could not be used'):
            self.say(h, 0, 1)
        self.assertEqual(self.say(h, 1, 1), 'Bravo.')
        self.assertEqual(h.renewed, 1)

    def test_threads_that_stay_cost_the_process(self):
        h = self.make()
        self.fault('stuck')
        hearing.CLOSE_S, before = 0.2, hearing.CLOSE_S
        try:
            with self.assertRaises(hearing.Lost):
                h.reset()
        finally:
            hearing.CLOSE_S = before


class Settings(Base):
    def refused(self, **given):
        with self.assertRaises(hearing.HearingError) as caught:
            hearing.settings(AudioToTextRecorder, given)
        return str(caught.exception)

    def test_values_are_of_the_kind_of_the_default(self):
        s = hearing.settings(AudioToTextRecorder, {'beam_size': '3', 'realtime_processing_pause': '0.5',
                                                   'enable_realtime_transcription': 'no', 'model': '5'})
        self.assertEqual((s['beam_size'], s['realtime_processing_pause'], s['enable_realtime_transcription'], s['model']),
                         (3, 0.5, False, '5'))
        self.assertIs(s['use_microphone'], False)

    def test_refusals_name_the_setting(self):
        self.assertEqual(self.refused(beam='3'), '"beam" is no setting of AudioToTextRecorder')
        self.assertEqual(self.refused(use_microphone='yes'), '"use_microphone" is the worker\'s to set')
        self.assertEqual(self.refused(on_transcription_start='x'), '"on_transcription_start" is the worker\'s to set')
        self.assertEqual(self.refused(beam_size='many'), 'beam_size is a number, not "many"')
        self.assertEqual(self.refused(enable_realtime_transcription='maybe'),
                         'enable_realtime_transcription is yes or no, not "maybe"')


if __name__ == '__main__':
    unittest.main()
