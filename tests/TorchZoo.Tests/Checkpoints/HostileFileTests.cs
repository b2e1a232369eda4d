using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Hand-made damage and malice, one rule of the reader a case.</summary>
public class HostileFileTests
{
    private static readonly byte[] Pickle = PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [2, 2], [2, 1]));
    private static readonly byte[] Storage = new byte[16];

    private static IEnumerable<TestCaseData> Pickles()
    {
        return new (string Name, byte[] Bytes)[]
        {
            ("GLOBAL", PickleBytes.Of(p => p.Global("os", "system").Text("true").Raw(0x85).Ops("R"))),
            ("GLOBAL, never called", PickleBytes.Of(p => p.Global("os", "system"))),
            ("STACK_GLOBAL", PickleBytes.Of(p => p.Text("os").Text("system").Raw(0x93).Text("true").Raw(0x85).Ops("R"), 4)),
            ("STACK_GLOBAL of numbers", PickleBytes.Of(p => p.Int(1).Int(2).Raw(0x93), 4)),
            ("INST", PickleBytes.Of(p => p.Ops("(").Text("true").Ops("ios\nsystem\n"))),
            ("OBJ", PickleBytes.Of(p => p.Ops("(").Global("collections", "OrderedDict").Ops("o"))),
            ("NEWOBJ", PickleBytes.Of(p => p.Global("collections", "OrderedDict").Ops(")").Raw(0x81))),
            ("NEWOBJ_EX", PickleBytes.Of(p => p.Global("collections", "OrderedDict").Ops(")}").Raw(0x92), 4)),
            ("EXT1", PickleBytes.Of(p => p.Raw(0x82, 1))),
            ("a name under torch", PickleBytes.Of(p => p.Global("torch", "load").Text("f").Raw(0x85).Ops("R"))),
            ("a name under collections", PickleBytes.Of(p => p.Global("collections", "deque").Ops(")R"))),
            ("a dotted name", PickleBytes.Of(p => p.Global("collections", "OrderedDict.fromkeys").Ops(")R"))),
            ("a dotted name over two parts", PickleBytes.Of(p => p.Global("torch._utils._rebuild_tensor_v2", "__globals__"))),
            ("eval of Python 2", PickleBytes.Of(p => p.Global("__builtin__", "eval").Text("1").Raw(0x85).Ops("R"))),
            ("a class where a value is expected", PickleBytes.Of(p => p.Global("torch", "Size"))),
            ("a storage where a value is expected", PickleBytes.Of(p => p.Storage())),
            ("a class in a list", PickleBytes.Of(p => p.Ops("]").Global("torch", "FloatStorage").Ops("a"))),
            ("a name without end", new PickleBytes().Ops("c").Ops(new string('a', 100_000)).ToArray()),
            ("protocol 6", PickleBytes.Of(p => p.Ops("}"), 6)),
            ("protocol 0", [.. "(dp0\n."u8]),
            ("a second protocol", PickleBytes.Of(p => p.Raw(0x80, 2).Ops("}"))),
            ("no protocol", [.. "}."u8]),
            ("text integer", PickleBytes.Of(p => p.Ops("I1\n"))),
            ("text float", PickleBytes.Of(p => p.Ops("F1\n"))),
            ("unknown opcode", PickleBytes.Of(p => p.Raw(0xff))),
            ("out-of-band buffer", PickleBytes.Of(p => p.Raw(0x97), 5)),
            ("empty", []),
            ("no STOP", new PickleBytes().Ops("}").ToArray()),
            ("nothing on the stack", PickleBytes.Of(_ => { })),
            ("two values on the stack", PickleBytes.Of(p => p.Ops("}}"))),
            ("an open mark", PickleBytes.Of(p => p.Ops("}("))),
            ("no mark", PickleBytes.Of(p => p.Ops("t"))),
            ("a pop below the mark", PickleBytes.Of(p => p.Ops("}(").Raw(0x85).Ops("t"))),
            ("a memo slot never filled", PickleBytes.Of(p => p.Ops("h").Raw(9))),
            ("a put of nothing", PickleBytes.Of(p => p.Ops("q").Raw(0).Ops("}"))),
            ("append to a dict", PickleBytes.Of(p => p.Ops("}Na"))),
            ("items of a list", PickleBytes.Of(p => p.Ops("]NNs"))),
            ("an odd number of items", PickleBytes.Of(p => p.Ops("}(NNNu"))),
            ("a list as key", PickleBytes.Of(p => p.Ops("}]Ns"))),
            ("a list in a tuple as key", PickleBytes.Of(p => p.Ops("}]").Raw(0x85).Ops("Ns"))),
            ("a tensor as key", PickleBytes.Of(p => p.Ops("}").Tensor(s => s.Storage(), 0, [1], [1]).Ops("Ns"))),
            ("arguments no tuple", PickleBytes.Of(p => p.Global("collections", "OrderedDict").Ops("]R"))),
            ("a call of a string", PickleBytes.Of(p => p.Text("x").Ops(")R"))),
            ("a call of a dtype", PickleBytes.Of(p => p.Global("torch", "float32").Ops(")R"))),
            ("a state of a dict", PickleBytes.Of(p => p.Ops("}}b"))),
            ("a state of a tensor", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [1], [1]).Ops("}b"))),
            ("a state with keys that are no strings",
                PickleBytes.Of(p => p.Global("collections", "OrderedDict").Ops(")R}K").Raw(1).Ops("Nsb"))),
            ("bytearray by a number", PickleBytes.Of(p => p.Global("builtins", "bytearray").Int(1L << 40).Raw(0x85).Ops("R"))),
            ("bytes by a number", PickleBytes.Of(p => p.Global("builtins", "bytes").Int(1L << 40).Raw(0x85).Ops("R"))),
            ("an encoding that is none", PickleBytes.Of(p => p.Global("_codecs", "encode").Text("x").Text("zlib").Raw(0x86).Ops("R"))),
            ("a device that is none", PickleBytes.Of(p => p.Global("torch", "device").Text("cuda:-1").Raw(0x85).Ops("R"))),
            ("a string of 4 GB", PickleBytes.Of(p => p.Ops("X").U32(uint.MaxValue))),
            ("a string of 2^63 bytes", PickleBytes.Of(p => p.Raw(0x8d).U64(1UL << 63), 4)),
            ("bytes of 2^40", PickleBytes.Of(p => p.Raw(0x8e).U64(1UL << 40), 4)),
            ("an integer of -1 bytes", PickleBytes.Of(p => p.Raw(0x8b).U32(uint.MaxValue))),
            ("an integer of a million digits", PickleBytes.Of(p => p.Raw(0x8b).U32(500_000).Raw(new byte[500_000]))),
            ("a frame past the end", PickleBytes.Of(p => p.Raw(0x95).U64(1UL << 62).Ops("}"), 4)),
            ("a string that is no UTF-8", PickleBytes.Of(p => p.Ops("X").U32(2).Raw(0xc3, 0x28))),
            ("a list in itself", PickleBytes.Of(p => p.Ops("]q").Raw(0).Ops("h").Raw(0).Ops("a"))),
            ("a dict in itself, far away", PickleBytes.Of(p => p.Ops("}q").Raw(0).Text("k").Ops("]h").Raw(0).Raw(0x85).Ops("as"))),
            ("100,000 lists deep", PickleBytes.Of(p => p.Repeat(100_000, q => q.Ops("]")).Repeat(99_999, q => q.Ops("a")))),
            ("100,000 tuples deep", PickleBytes.Of(p => p.Ops(")").Repeat(100_000, q => q.Raw(0x85)))),
            ("deep through shared parts", PickleBytes.Of(p => p.Ops("](").Repeat(30, q =>
                q.Ops(")").Repeat(900, r => r.Raw(0x85)).Ops("q").Raw(0).Ops("]h").Raw(0).Repeat(200, r => r.Raw(0x85)).Ops("a"))
                    .Ops("e"))),
            ("a billion laughs", PickleBytes.Of(p => p.Ops("]").Repeat(40, q => q.Ops("q").Raw(1).Ops("h").Raw(1).Raw(0x86)))),
            ("a billion laughs as key",
                PickleBytes.Of(p => p.Ops("})").Repeat(60, q => q.Ops("q").Raw(1).Ops("h").Raw(1).Raw(0x86)).Ops("Ns"))),
            ("three million marks", PickleBytes.Of(p => p.Ops(new string('(', 3_000_000)))),
            ("a long list, copied again and again",
                PickleBytes.Of(p => p.Ops("](").Repeat(50_000, q => q.Ops("K").Raw(1)).Ops("e").Raw(0x85).Ops("q").Raw(0)
                .Repeat(50_000, q => q.Global("torch", "Size").Ops("h").Raw(0).Ops("R")))),
            ("a long list of numbers, copied again and again",
                PickleBytes.Of(p => p.Ops("](").Repeat(50_000, q => q.Ops("K").Raw(7)).Ops("e").Raw(0x85).Ops("q").Raw(0)
                .Repeat(50_000, q => q.Global("builtins", "set").Ops("h").Raw(0).Ops("R")))),
            ("a long string, encoded again and again",
                PickleBytes.Of(p => p.Text(new string('x', 1 << 20)).Text("latin1").Raw(0x86).Ops("q").Raw(0)
                .Repeat(50_000, q => q.Global("_codecs", "encode").Ops("h").Raw(0).Ops("R")))),
            ("a long key, hashed again and again",
                PickleBytes.Of(p => p.Text(new string('x', 1 << 20)).Ops("q").Raw(0).Ops("}")
                    .Repeat(100_000, q => q.Ops("h").Raw(0).Ops("Ns")).Raw(0x86))),
            ("persistent id no tuple", PickleBytes.Of(p => p.Text("0").Ops("Q"))),
            ("persistent id too short", PickleBytes.Of(p => p.Text("storage").Raw(0x85).Ops("Q"))),
            ("persistent id of a module",
                PickleBytes.Of(p => p.Ops("(").Text("module").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(4).Ops("tQ"))),
            ("persistent id without class",
                PickleBytes.Of(p => p.Ops("(").Text("storage").Text("FloatStorage").Text("0").Text("cpu").Int(4).Ops("tQ"))),
            ("storage key a path", PickleBytes.Of(p => p.Tensor(s => s.Storage("../0"), 0, [1], [1]))),
            ("storage key absent", PickleBytes.Of(p => p.Tensor(s => s.Storage("7"), 0, [1], [1]))),
            ("storage of -1 elements", PickleBytes.Of(p => p.Tensor(s => s.Storage(count: -1), 0, [1], [1]))),
            ("storage of 2^62 elements", PickleBytes.Of(p => p.Tensor(s => s.Storage(count: 1L << 62), 0, [1], [1]))),
            ("storage larger than its entry", PickleBytes.Of(p => p.Tensor(s => s.Storage(count: 5), 0, [1], [1]))),
            ("storage smaller than its entry", PickleBytes.Of(p => p.Tensor(s => s.Storage(count: 3), 0, [1], [1]))),
            ("storage of another dtype", PickleBytes.Of(p => p.Tensor(s => s.Storage(type: "DoubleStorage"), 0, [1], [1]))),
            ("storage of two dtypes",
                PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [1], [1]).Tensor(s => s.Storage(type: "IntStorage"), 0, [1], [1])
                    .Raw(0x86))),
            ("tensor longer than its storage", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [5], [1]))),
            ("tensor behind its storage", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 4, [1], [1]))),
            ("tensor strided out of its storage", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [2, 2], [3, 1]))),
            ("scalar behind its storage", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 4, [], []))),
            ("empty tensor behind its storage", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 5, [0], [1]))),
            ("negative offset", PickleBytes.Of(p => p.Tensor(s => s.Storage(), -1, [1], [1]))),
            ("negative size", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [-1], [1]))),
            ("negative sizes whose product is positive", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [-1, -1], [1, 1]))),
            ("negative stride", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 3, [4], [-1]))),
            ("fewer strides than sizes", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [2, 2], [1]))),
            ("sizes that overflow", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [1L << 32, 1L << 32], [0, 0]))),
            ("sizes that overflow behind a zero", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [0, 1L << 40, 1L << 40], [1, 1, 1]))),
            ("a stride that overflows", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [3], [long.MaxValue]))),
            ("an offset that overflows", PickleBytes.Of(p => p.Tensor(s => s.Storage(), long.MaxValue, [2], [long.MaxValue]))),
            ("an expansion to 4 TB", PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [1L << 40], [0]))),
            ("100 dimensions",
                PickleBytes.Of(p => p.Tensor(s => s.Storage(), 0, [.. Enumerable.Repeat(1L, 100)], [.. Enumerable.Repeat(1L, 100)]))),
            ("a gradient of integers", PickleBytes.Of(p => p.Tensor(s => s.Storage(type: "IntStorage"), 0, [1], [1], requiresGrad: true))),
            ("a size that is no number",
                PickleBytes.Of(p => p.Global("torch._utils", "_rebuild_tensor_v2").Ops("(").Storage().Int(0).Text("x").Integers(1)
                    .Raw(0x89).Ops("NtR"))),
            ("a tensor without storage",
                PickleBytes.Of(p => p.Global("torch._utils", "_rebuild_tensor_v2").Ops("(NK").Raw(0).Integers(1).Integers(1).Raw(0x89)
                    .Ops("NtR"))),
            ("backward hooks",
                PickleBytes.Of(p => p.Global("torch._utils", "_rebuild_tensor_v2").Ops("(").Storage().Int(0).Integers(1).Integers(1)
                    .Raw(0x89).Ops("}NNstR"))),
            ("a parameter of nothing",
                PickleBytes.Of(p => p.Global("torch._utils", "_rebuild_parameter").Ops("N").Raw(0x88).Ops("}").Raw(0x87).Ops("R"))),
            ("a type rebuilt by another function",
                PickleBytes.Of(p => p.Global("torch._tensor", "_rebuild_from_type_v2").Ops("(").Global("builtins", "set")
                    .Global("torch", "Tensor").Ops(")}tR"))),
        }.Select(c => new TestCaseData(ZipBytes.Checkpoint(c.Bytes, Storage)).SetName($"Pickle: {c.Name}"));
    }

    private static IEnumerable<TestCaseData> Zips()
    {
        var entry = "archive/data/0";
        ZipBytes Begin() => new ZipBytes().Add("archive/data.pkl", Pickle);
        ZipBytes With(ZipBytes.Twist twist) => Begin().Add(entry, Storage, twist);
        return new (string Name, byte[] Bytes)[]
        {
            ("wrong CRC of a storage", With(new() { Crc = 1 }).Finish()),
            ("wrong CRC of the pickle", new ZipBytes().Add("archive/data.pkl", Pickle, new() { Crc = 1 }).Add(entry, Storage).Finish()),
            ("wrong CRC of an entry nobody reads", Begin().Add(entry, Storage).Add("archive/data/9", Storage, new() { Crc = 1 }).Finish()),
            ("encrypted", With(new() { Flags = 1 }).Finish()),
            ("strongly encrypted", With(new() { Flags = 0x41 }).Finish()),
            ("unknown compression", With(new() { Method = 12 }).Finish()),
            ("stored, with another size in the directory", With(new() { DirectorySize = 12, LocalSize = 16 }).Finish()),
            ("another name in the local header", With(new() { LocalName = "archive/data/1" }).Finish()),
            ("size past the end", With(new() { DirectorySize = 1 << 30, LocalSize = 1 << 30 }).Finish()),
            ("position past the end", With(new() { Position = 1 << 30 }).Finish()),
            ("position of another entry", With(new() { Position = 0 }).Finish()),
            ("two entries of one name", Begin().Add(entry, Storage).Add(entry, Storage).Finish()),
            ("one entry twice in the directory", Begin().Add(entry, Storage).Again().Finish()),
            ("overlapping entries",
                Begin().Add(entry, Storage).Add("archive/data/1", ZipBytes.Local("archive/data/2", Storage))
                    .Within("archive/data/2", Storage).Finish()),
            ("two folders", Begin().Add(entry, Storage).Add("other/data.pkl", Pickle).Finish()),
            ("no folder", new ZipBytes().Add("data.pkl", Pickle).Add("data/0", Storage).Finish()),
            ("no pickle", new ZipBytes().Add(entry, Storage).Finish()),
            ("empty", new ZipBytes().Finish()),
            ("a path upwards", Begin().Add(entry, Storage).Add("archive/../x", Storage).Finish()),
            ("an absolute path", Begin().Add(entry, Storage).Add("/archive/x", Storage).Finish()),
            ("TorchScript", Begin().Add(entry, Storage).Add("archive/constants.pkl", Pickle).Finish()),
            ("TorchScript code", Begin().Add(entry, Storage).Add("archive/code/__torch__.py", Storage).Finish()),
            ("byte order that is none", Begin().Add(entry, Storage).Add("archive/byteorder", "middle"u8.ToArray()).Finish()),
            ("version of the future", Begin().Add(entry, Storage).Add("archive/version", "99"u8.ToArray()).Finish()),
            ("more entries claimed", Begin().Add(entry, Storage).Finish(count: 3)),
            ("fewer entries claimed", Begin().Add(entry, Storage).Finish(count: 1)),
            ("directory elsewhere", Begin().Add(entry, Storage).Finish(startShift: -1)),
            ("a second end record in the comment", Begin().Add(entry, Storage).Finish(comment: "PK\x05\x06" + new string('\0', 18))),
            ("something behind the end", [.. Begin().Add(entry, Storage).Finish(), 0]),
            ("a bomb in a storage",
                Deflated(("archive/data.pkl", PickleBytes.Of(p => p.Tensor(s => s.Storage(count: 1 << 26), 0, [1], [1]))),
                    ("archive/data/0", new byte[1 << 28]))),
            ("a bomb in the pickle", Deflated(("archive/data.pkl", PickleBytes.Of(p => p.Ops(new string(']', 1 << 27)))))),
            ("a small bomb in the pickle", Deflated(("archive/data.pkl", PickleBytes.Of(p => p.Ops(new string('}', 14 << 20)))))),
            ("tar", Tar()),
        }.Select(c => new TestCaseData(c.Bytes).SetName($"Zip: {c.Name}"));
    }

    private static IEnumerable<TestCaseData> Legacies()
    {
        var magic = PickleBytes.Of(p => p.Raw(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19));
        var version = PickleBytes.Of(p => p.Int(1001));
        var system = PickleBytes.Of(p => p.Ops("}"));
        byte[] Tree(Action<PickleBytes>? view = null, long count = 4, long size = 1) => PickleBytes.Of(p =>
            p.Tensor(s =>
            {
                s.Ops("(").Text("storage").Global("torch", "FloatStorage").Text("k").Text("cpu").Int(count);
                (view ?? (v => v.Ops("N")))(s);
                s.Ops("tQ");
            }, 0, [size], [1]));
        var keys = PickleBytes.Of(p => p.Ops("]").Text("k").Ops("a"));
        byte[] data = [4, 0, 0, 0, 0, 0, 0, 0, .. Storage];
        var evil = PickleBytes.Of(p => p.Global("os", "system").Text("true").Raw(0x85).Ops("R"));
        return new (string Name, byte[] Bytes)[]
        {
            ("no magic number", [.. version, .. version, .. system, .. Tree(), .. keys, .. data]),
            ("another version", [.. magic, .. magic, .. system, .. Tree(), .. keys, .. data]),
            ("a call in the first pickle", [.. evil, .. version, .. system, .. Tree(), .. keys, .. data]),
            ("a call in the third pickle", [.. magic, .. version, .. evil, .. Tree(), .. keys, .. data]),
            ("a call in the keys", [.. magic, .. version, .. system, .. Tree(), .. evil, .. data]),
            ("an allowed name in the keys",
                [.. magic, .. version, .. system, .. Tree(), .. PickleBytes.Of(p => p.Global("torch", "Size")), .. data]),
            ("data cut off", [.. magic, .. version, .. system, .. Tree(), .. keys, .. data[..^1]]),
            ("no data", [.. magic, .. version, .. system, .. Tree(), .. keys]),
            ("another count before the data", [.. magic, .. version, .. system, .. Tree(), .. keys, 5, .. data[1..], .. Storage]),
            ("claims more than the file", [.. magic, .. version, .. system, .. Tree(count: 1L << 40), .. keys, .. data]),
            ("an unknown key",
                [.. magic, .. version, .. system, .. Tree(), .. PickleBytes.Of(p => p.Ops("]").Text("other").Ops("a")), .. data]),
            ("a key twice",
                [.. magic, .. version, .. system, .. Tree(), .. PickleBytes.Of(p => p.Ops("](").Text("k").Text("k").Ops("e")), .. data,
                    .. data]),
            ("a key missing", [.. magic, .. version, .. system, .. Tree(), .. PickleBytes.Of(p => p.Ops("]")), .. data]),
            ("a view outside",
                [.. magic, .. version, .. system, .. Tree(v => v.Ops("(").Text("v").Int(3).Int(2).Ops("t")), .. keys, .. data]),
            ("a view before",
                [.. magic, .. version, .. system, .. Tree(v => v.Ops("(").Text("v").Int(-1).Int(2).Ops("t")), .. keys, .. data]),
            ("a tensor longer than its view",
                [.. magic, .. version, .. system, .. Tree(v => v.Ops("(").Text("v").Int(1).Int(2).Ops("t"), size: 3), .. keys, .. data]),
            ("a view that is none", [.. magic, .. version, .. system, .. Tree(v => v.Text("v")), .. keys, .. data]),
        }.Select(c => new TestCaseData(c.Bytes).SetName($"Legacy: {c.Name}"));
    }

    [TestCaseSource(nameof(Pickles)), TestCaseSource(nameof(Zips)), TestCaseSource(nameof(Legacies))]
    public void IsRefused(byte[] file)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["f.pt"], file);
        var tensors = Tensor.TotalCount;
        var memory = Memory();
        var clock = Stopwatch.StartNew();
        var refusal = Assert.Throws<InvalidDataException>(() => PyTorchFile.Load(folder["f.pt"]));
        Assert.That(refusal.Message, Does.StartWith(folder["f.pt"]).And.Length.LessThan(2000));
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(5));
        Assert.That(Memory() - memory, Is.LessThan(200L << 20), "bytes of memory");
        Assert.That(Tensor.TotalCount, Is.EqualTo(tensors), "tensors left behind");
        TestContext.Out.WriteLine($"{clock.ElapsedMilliseconds} ms, {(Memory() - memory) >> 20} MB: {refusal.Message}");
    }

    [Test]
    public void TheSameWithoutTheDamageIsRead()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["f.pt"], ZipBytes.Checkpoint(Pickle, Storage));
        Assert.That(((Tensor)PyTorchFile.Load(folder["f.pt"])!).shape, Is.EqualTo(new long[] { 2, 2 }));
        File.WriteAllBytes(folder["f.pt"], Deflated(("x/data.pkl", Pickle), ("x/data/0", Storage), ("x/byteorder", "big"u8.ToArray())));
        Assert.That(((Tensor)PyTorchFile.Load(folder["f.pt"])!).shape, Is.EqualTo(new long[] { 2, 2 }));
        File.WriteAllBytes(folder["f.pt"], ZipBytes.Checkpoint(PickleBytes.Of(p => p.Ops(")").Repeat(900, q => q.Raw(0x85))), Storage));
        Assert.That(PyTorchFile.Load(folder["f.pt"]), Is.InstanceOf<PyTuple>());
        File.WriteAllBytes(folder["f.pt"], new ZipBytes().Add("a/data.pkl", Pickle, new() { Crc = 0 })
            .Add("a/data/0", Storage, new() { Crc = 0 }).Finish(comment: "hello"));
        Assert.That(((Tensor)PyTorchFile.Load(folder["f.pt"])!).shape, Is.EqualTo(new long[] { 2, 2 }));
    }

    private static byte[] Deflated(params (string Name, byte[] Contents)[] entries)
    {
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, contents) in entries)
            {
                using var stream = zip.CreateEntry(name, CompressionLevel.Optimal).Open();
                stream.Write(contents);
            }
        return bytes.ToArray();
    }

    private static byte[] Tar()
    {
        var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, leaveOpen: true))
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "pickle") { DataStream = new MemoryStream(Pickle) });
        return bytes.ToArray();
    }

    private static long Memory()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
