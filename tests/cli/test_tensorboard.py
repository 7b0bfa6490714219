"""--tensorboard: event files, read by a parser written from the published formats alone.

TFRecord framing: uint64 length, masked CRC-32C of it, data, masked CRC-32C of the data. The data are protocol
buffers: Event (1 wall_time, 2 step, 3 file_version, 5 summary, 7 session_log), Summary.Value (1 tag,
2 simple_value, 5 histo), HistogramProto (1 min, 2 max, 3 num, 4 sum, 5 sum_squares, 6 limits, 7 counts).
"""
import csv
import signal
import struct
import subprocess
import time

from cli import JSC_TRAIN, CliTest, main, read_safetensors, run


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    while data:
        (size,), (check,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert masked(data[:8]) == check, "checksum of a length"
        body = data[12 : 12 + size]
        assert struct.unpack("<I", data[12 + size : 16 + size])[0] == masked(body), "checksum of a record"
        yield body
        data = data[16 + size :]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """{number: [values]} of a message: varints as int, fixed64 as double, fixed32 as float, the rest as bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            (value,) = struct.unpack("<d" if kind == 1 else "<f", data[at : at + size])
            at += size
        else:
            assert kind == 2, kind
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder):
    """{tag: {step: value}} of all files of a folder in order of their names, as TensorBoard joins them."""
    tags = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        first = True
        for record in records(path.read_bytes()):
            event = fields(record)
            step = event.get(2, [0])[0]
            assert 1e9 < event[1][0] < 1e11, "wall time"
            if first:
                assert event[3] == [b"brain.Event:2"]
            first = False
            if 7 in event and fields(event[7][0]) == {1: [1]}:  # a session starts: later steps are void
                for values in tags.values():
                    for void in [s for s in values if s >= step]:
                        del values[void]
            for summary in event.get(5, []):
                for value in fields(summary)[1]:
                    content = fields(value)
                    tag = content[1][0].decode()
                    tags.setdefault(tag, {})[step] = content[2][0] if 2 in content else fields(content[5][0])
    return tags


def float32(text):
    return struct.unpack("<f", struct.pack("<f", float(text)))[0]


class TensorBoard(CliTest):
    def test_the_parser_knows_the_published_check_value(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)

    def test_events_hold_the_metrics_and_histograms_of_the_weights(self):
        out = self.dir / "run"
        run("train", "jsc-toy", "--data", "emulated:4000", "--max-epochs", 3, "--quiet", "--tensorboard", "--out", out)
        found = events(out)
        with open(out / "metrics.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for tag, column in [("loss/train", "train_loss"), ("loss/validation", "val_loss"), ("accuracy/train", "train_accuracy"),
                            ("accuracy/validation", "val_accuracy"), ("learning_rate", "learning_rate")]:  # fmt: skip
            self.assertEqual(found[tag], {n + 1: float32(row[column]) for n, row in enumerate(rows)}, tag)
        tensors = read_safetensors(out / "last.safetensors")[1]
        weights = {n: t[2] for n, t in tensors.items() if n.endswith((".weight", ".bias"))}
        self.assertEqual(set(found) - {t for t in found if "/" in t or t == "learning_rate"}, set(weights))
        for name, values in weights.items():
            histogram = found[name][3]
            self.assertEqual(histogram[1][0], min(values))
            self.assertEqual(histogram[2][0], max(values))
            self.assertEqual(histogram[3][0], len(values))
            self.assertAlmostEqual(histogram[4][0], sum(values), places=9)
            self.assertAlmostEqual(histogram[5][0], sum(v * v for v in values), places=9)
            (packed_limits,), (packed_counts,) = histogram[6], histogram[7]
            limits = struct.unpack(f"<{len(packed_limits) // 8}d", packed_limits)
            counts = struct.unpack(f"<{len(packed_counts) // 8}d", packed_counts)
            self.assertEqual(len(limits), len(counts))
            self.assertEqual(list(limits), sorted(limits))
            self.assertEqual(limits[-1], max(values))
            self.assertEqual(sum(counts), len(values))
            for i, limit in enumerate(limits):  # a value on a limit may be counted on either side of it
                below = sum(v < limit - 1e-9 for v in values), sum(v <= limit + 1e-9 for v in values)
                self.assertTrue(below[0] <= sum(counts[: i + 1]) <= below[1], name)

    def test_an_interrupted_run_goes_on_in_a_second_file_that_voids_what_comes_twice(self):
        # Files are written once a second, and the kill has to come between two times: the run takes about three.
        args = ["train", "jsc-test", "--data", "emulated:30000", "--batch-size", "32", "--max-epochs", "80", "--threads", "1",
                "--no-report", "--tensorboard", "--out"]  # fmt: skip
        whole, killed = self.dir / "whole", self.dir / "killed"
        run(*args, whole, "--quiet")
        process = subprocess.Popen([JSC_TRAIN, *args, killed], stderr=subprocess.DEVNULL)
        while not list(killed.glob("events.out.tfevents.*")) or len(events_or_none(killed).get("loss/train", {})) < 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in killed.glob("events.out.tfevents.*"):  # what a power failure may leave of the last record
            path.write_bytes(path.read_bytes()[: whole_records(path)])
        run("train", "--resume", killed, "--quiet")
        self.assertGreater(len(list(killed.glob("events.out.tfevents.*"))), 1)
        self.assertEqual(events(killed), events(whole))

    def test_without_the_option_there_is_no_event_file(self):
        out = self.dir / "run"
        run("train", "jsc-tiny", "--data", "emulated:2000", "--max-epochs", 1, "--quiet", "--out", out)
        self.assertFalse(list(out.glob("events*")))

    def test_trials_of_a_sweep_have_the_events_of_their_shared_beginning(self):
        out = self.dir / "s"
        run("sweep", "jsc-tiny", "--data", "emulated:2000", "--max-epochs", "2,4", "--scheduler", "constant", "--tensorboard",
            "--quiet", "--out", out)  # fmt: skip
        for trial, epochs in zip(sorted((out / "trials").iterdir()), (2, 4)):
            self.assertEqual(list(events(trial)["loss/train"]), list(range(1, epochs + 1)))


def whole_records(path):
    """The length of the file without a last record that is cut short."""
    data, at = path.read_bytes(), 0
    while at + 12 <= len(data):
        (size,) = struct.unpack("<Q", data[at : at + 8])
        if at + 16 + size > len(data):
            break
        at += 16 + size
    return at


def events_or_none(folder):
    try:
        return events(folder)
    except (AssertionError, struct.error, IndexError):
        return {}


if __name__ == "__main__":
    main()
