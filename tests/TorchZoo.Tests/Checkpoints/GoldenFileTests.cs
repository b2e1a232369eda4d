using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>One test for each golden file: those to read, read and written again, and those to refuse.</summary>
[Category("Golden")]
public class GoldenFileTests
{
    // An empty file of this name in the temporary folder is what a hostile file makes when its payload runs.
    private const string Payload = "torchzoo-pwned";

    private static IEnumerable<TestCaseData> PtFiles() =>
        Goldens.Files("pt-files", "*.pt").Select(f => new TestCaseData(f).SetName(Goldens.Label(f)));

    private static IEnumerable<TestCaseData> WrittenAgain() =>
        Goldens.Files("pt-files", "*.pt").Select(f => new TestCaseData(f).SetName($"{Goldens.Label(f)}, written again"));

    private static IEnumerable<TestCaseData> EvilFiles()
    {
        var index = Path.Combine(Goldens.Folder("evil-files"), "index.json");
        if (!File.Exists(index)) yield break;
        var root = JsonDocument.Parse(File.ReadAllBytes(index)).RootElement;
        foreach (var item in root.GetProperty("cases").EnumerateArray())
        {
            var path = Path.Combine(Goldens.Folder("evil-files"), item.GetProperty("file").GetString()!);
            yield return new TestCaseData(path, item, root.GetProperty("default_limits")).SetName(Goldens.Label(path));
        }
    }

    [TestCaseSource(nameof(PtFiles))]
    public void Reads(string path)
    {
        using var scope = NewDisposeScope();
        var expected = Expected(path);
        object? tree;
        try { tree = PyTorchFile.Load(path); }
        catch (InvalidDataException) when (expected.RejectIsAllowed) { return; }
        expected.Verify(tree);
    }

    [TestCaseSource(nameof(WrittenAgain))]
    public void ComesBackAfterItWasWritten(string path)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        object? tree;
        try { tree = PyTorchFile.Load(path); }
        catch (InvalidDataException) when (Expected(path).RejectIsAllowed) { return; }
        PyTorchFile.Save(folder["again.pt"], tree);
        Expected(path).Verify(PyTorchFile.Load(folder["again.pt"]), withLayout: false);
        Expected(path).Verify(PyTorchFile.Load(folder["again.pt"], new PyTorchLoadOptions { MemoryMap = true }), withLayout: false);
    }

    [TestCaseSource(nameof(EvilFiles))]
    public void RefusesOrReads(string path, JsonElement item, JsonElement limits)
    {
        using var scope = NewDisposeScope();
        var payload = Path.Combine(Path.GetTempPath(), Payload);
        File.Delete(payload);
        var isAllowed = item.GetProperty("expected").GetString() == "ok";
        var isOptional = item.TryGetProperty("also_allowed", out _);
        var memory = Memory();
        var clock = Stopwatch.StartNew();
        object? tree = null;
        InvalidDataException? refusal = null;
        try { tree = Load(path); }
        catch (InvalidDataException e) { refusal = e; }
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(limits.GetProperty("seconds").GetDouble()));
        Assert.That((Memory() - memory) >> 20, Is.LessThan(limits.GetProperty("extra_memory_mb").GetInt64()), "MB");
        Assert.That(File.Exists(payload), Is.False, "the payload has run");
        if (refusal is not null) Assert.That(refusal.Message, Does.Contain(path));
        if (!isOptional) Assert.That(refusal?.Message, isAllowed ? Is.Null : Is.Not.Null);
        if (refusal is null && item.TryGetProperty("values", out var values))
        {
            var expected = new ExpectedTree(Path.Combine(Path.GetDirectoryName(path)!, values.GetString()!));
            expected.Verify(tree);
            if (expected.Metadata is { } metadata) Assert.That(SafetensorsFile.ReadHeader(path).Metadata, Is.EquivalentTo(metadata));
        }
    }

    private static object? Load(string path)
    {
        if (!path.EndsWith(".safetensors", StringComparison.Ordinal)) return PyTorchFile.Load(path);
        var dict = new PyDict();
        foreach (var (name, tensor) in SafetensorsFile.Load(path).OrderBy(t => t.Key, StringComparer.Ordinal)) dict.Add(name, tensor);
        return dict;
    }

    private static ExpectedTree Expected(string path) => new(Path.ChangeExtension(path, ".expected.json"));

    private static long Memory()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
