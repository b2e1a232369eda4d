using System.IO.Compression;
using System.Security.Cryptography;
using NUnit.Framework;
using TorchZoo.Data.Sources;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Data.Sources;

public class DatasetFilesTests
{
    private static readonly byte[] Images = [.. Enumerable.Range(0, 200_000).Select(i => (byte)((i * 2654435761L) >> 13))];
    private static readonly byte[] Labels = [.. Enumerable.Range(0, 500).Select(i => (byte)(i % 10))];

    private TemporaryFolder _folder = null!;
    private List<IDisposable> _open = null!;

    private string Cache => _folder["cache"];

    private string Package => _folder["package"];

    [SetUp]
    public void Open() => (_folder, _open) = (new TemporaryFolder(), []);

    [TearDown]
    public void Close()
    {
        foreach (var item in _open) item.Dispose();
        _folder.Dispose();
    }

    private DatasetFiles Files(Uri? address = null) => new()
    {
        Name = "things",
        Title = "Things",
        // Nobody listens on port 1.
        Address = address ?? new Uri("http://127.0.0.1:1/"),
        SystemFolder = Package,
        SystemPackage = "dataset-things",
        Files = [File("images.gz", Images), File("labels", Labels)],
    };

    private DatasetSearch Search => new() { Cache = Cache };

    private LocalServer Serve(Func<string, Stream, CancellationToken, Task>? answer = null)
    {
        var server = new LocalServer(answer ?? Right);
        _open.Add(server);
        return server;
    }

    private static async Task Right(string path, Stream stream, CancellationToken cancellation)
    {
        var body = path == "images.gz" ? Gzip(Images) : Labels;
        await stream.WriteAsync(LocalServer.Head("200 OK", body.Length), cancellation);
        await stream.WriteAsync(body, cancellation);
    }

    private static DatasetFile File(string name, byte[] content) =>
        new(name, content.Length, Convert.ToHexString(SHA256.HashData(content)));

    private static void Fill(string folder, bool isPacked = true)
    {
        Directory.CreateDirectory(folder);
        System.IO.File.WriteAllBytes(Path.Combine(folder, isPacked ? "images.gz" : "images"), isPacked ? Gzip(Images) : Images);
        System.IO.File.WriteAllBytes(Path.Combine(folder, "labels"), Labels);
    }

    private static byte[] Gzip(byte[] bytes, CompressionLevel level = CompressionLevel.Fastest)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, level)) zip.Write(bytes);
        return memory.ToArray();
    }

    private string[] Left() => Directory.Exists(Path.Combine(Cache, "things"))
        ? [.. Directory.GetFiles(Path.Combine(Cache, "things"), "*", new EnumerationOptions { AttributesToSkip = 0 })
            .Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)]
        : [];

    [Test]
    public void AGivenFolderComesFirstAndIsNotVerified([Values] bool isPacked)
    {
        Fill(Package);
        Fill(_folder["mine"], isPacked);
        System.IO.File.WriteAllBytes(_folder["mine/labels"], [1, 2, 3]);
        var found = Files().Locate(Search with { Folder = _folder["mine"] });
        Assert.Multiple(() =>
        {
            Assert.That(found.Folder, Is.EqualTo(_folder["mine"]));
            Assert.That(found["images.gz"], Is.EqualTo(_folder[isPacked ? "mine/images.gz" : "mine/images"]));
            Assert.That(found["labels"], Is.EqualTo(_folder["mine/labels"]));
            Assert.That(() => found["others"], Throws.InstanceOf<KeyNotFoundException>());
        });
    }

    [Test]
    public void AGivenFolderThatLacksFilesIsAnErrorWhateverElseThereIs()
    {
        Fill(Package);
        Directory.CreateDirectory(_folder["mine"]);
        Assert.Multiple(() =>
        {
            Assert.That(() => Files().Locate(Search with { Folder = _folder["mine"] }), Throws.TypeOf<DatasetNotFoundException>()
                .With.Message.Contains(_folder["mine"]).And.Message.Contains("lacks images.gz, labels"));
            Assert.That(() => Files().Locate(Search with { Folder = _folder["nothing"] }), Throws.TypeOf<DatasetNotFoundException>()
                .With.Message.Contains("there is no folder"));
            Assert.That(() => Files().Locate(Search with { Folder = _folder["package/labels"] }), Throws.TypeOf<DatasetNotFoundException>()
                .With.Message.Contains("is a file"));
        });
    }

    [Test]
    public void ThePackageComesBeforeTheCacheAndTheCacheBeforeThePublisher()
    {
        var server = Serve();
        Fill(Package);
        Fill(Path.Combine(Cache, "things"));
        Assert.That(Files(server.Address).Locate(Search).Folder, Is.EqualTo(Package));
        Directory.Delete(Package, recursive: true);
        Assert.That(Files(server.Address).Locate(Search).Folder, Is.EqualTo(Path.Combine(Cache, "things")));
        Assert.That(server.Requests, Is.Empty);
    }

    [Test]
    public void HowAFileIsPackedDoesNotMatter()
    {
        Fill(Package);
        foreach (var level in Enum.GetValues<CompressionLevel>())
        {
            System.IO.File.WriteAllBytes(Path.Combine(Package, "images.gz"), Gzip(Images, level));
            Assert.That(Files().Locate(Search).Folder, Is.EqualTo(Package));
        }
        System.IO.File.WriteAllBytes(Path.Combine(Package, "images.gz"), Images);
        Assert.That(Files().Locate(Search).Folder, Is.EqualTo(Package));
    }

    [Test]
    public void ADamagedPackageIsPassedOver()
    {
        var server = Serve();
        Fill(Package);
        System.IO.File.WriteAllBytes(Path.Combine(Package, "labels"), [.. Labels[..^1], 77]);
        Assert.That(Files(server.Address).Locate(Search).Folder, Is.EqualTo(Path.Combine(Cache, "things")));
        Assert.That(() => Files().Locate(Search with { Cache = "" }),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains("wrong checksum"));
    }

    [Test]
    public void ADownloadIsStoredAndShown()
    {
        var server = Serve();
        var display = new Recorder();
        var found = Files(server.Address).Locate(Search, display);
        Assert.Multiple(() =>
        {
            Assert.That(System.IO.File.ReadAllBytes(found["images.gz"]), Is.EqualTo(Gzip(Images)));
            Assert.That(System.IO.File.ReadAllBytes(found["labels"]), Is.EqualTo(Labels));
            Assert.That(Left(), Is.EqualTo(new[] { "images.gz", "labels" }));
            Assert.That(server.Requests, Is.EqualTo(new[] { "images.gz", "labels" }));
            Assert.That(display.Lines, Is.EqualTo(new[] { "Things: images.gz", "Things: labels" }));
            Assert.That(display.Fractions, Is.All.InRange(0, 1));
            Assert.That(display.Fractions[^1], Is.EqualTo(1));
        });
        Files(server.Address).Locate(Search);
        Assert.That(server.Requests, Has.Count.EqualTo(2), "the second time they are in the cache");
    }

    [Test]
    public void OnlyWhatIsMissingOrDamagedIsDownloaded([Values] bool isDamaged)
    {
        var server = Serve();
        Fill(Path.Combine(Cache, "things"));
        var labels = Path.Combine(Cache, "things", "labels");
        if (isDamaged) System.IO.File.WriteAllBytes(labels, Labels[1..]);
        else System.IO.File.Delete(labels);
        Files(server.Address).Locate(Search);
        Assert.That(server.Requests, Is.EqualTo(new[] { "labels" }));
        Assert.That(System.IO.File.ReadAllBytes(labels), Is.EqualTo(Labels));
    }

    private static IEnumerable<TestCaseData> BadAnswers()
    {
        var body = Gzip(Images);
        yield return Case("not found", "404 Not Found", (stream, end) => Write(stream, end, LocalServer.Head("404 Not Found", 0)));
        yield return Case("server error", "503", (stream, end) => Write(stream, end, LocalServer.Head("503 Busy", null)));
        yield return Case("broken off", "broke off", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", body.Length), body[..(body.Length / 2)]));
        yield return Case("broken off, no length", "", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", null), body[..(body.Length / 2)]));
        yield return Case("wrong content", "wrong checksum", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", null), Gzip([.. Images[..^1], (byte)~Images[^1]])));
        yield return Case("a page instead", "ends early", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", 20), "<html>Sign in</html>"u8.ToArray()));
        yield return Case("more content", "there are more", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", null), Gzip([.. Images, 1])));
        yield return Case("a bomb", "there are more", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", null), Gzip(new byte[32 << 20], CompressionLevel.SmallestSize)));
        yield return Case("too large, as announced", "announces 1000000000", (stream, end) =>
            Write(stream, end, LocalServer.Head("200 OK", 1_000_000_000), body));
        yield return Case("too large", "sends more", async (stream, end) =>
        {
            await Write(stream, end, LocalServer.Head("200 OK", null));
            for (var piece = new byte[10_000]; ;) await stream.WriteAsync(piece, end);
        });
        yield return Case("no HTTP", "", (stream, end) => Write(stream, end, "SSH-2.0-nothing here\r\n\r\n"u8.ToArray()));
        yield return Case("silence", "no answer for 0.3 s", (stream, end) => Task.Delay(Timeout.Infinite, end));
        yield return Case("silence in the middle", "no answer for 0.3 s", async (stream, end) =>
        {
            await Write(stream, end, LocalServer.Head("200 OK", body.Length), body[..1000]);
            await Task.Delay(Timeout.Infinite, end);
        });

        static async Task Write(Stream stream, CancellationToken end, params byte[][] parts)
        {
            foreach (var part in parts) await stream.WriteAsync(part, end);
        }

        static TestCaseData Case(string name, string reason, Func<Stream, CancellationToken, Task> answer) =>
            new TestCaseData(reason, answer).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(BadAnswers))]
    public void ABadAnswerIsExplainedAndLeavesNothing(string reason, Func<Stream, CancellationToken, Task> answer)
    {
        var server = Serve((_, stream, end) => answer(stream, end));
        // Only who is silent should meet the limit, however busy the machine.
        var timeout = TimeSpan.FromSeconds(reason.StartsWith("no answer") ? 0.3 : 60);
        Assert.That(() => Files(server.Address).Locate(Search with { Timeout = timeout }), Throws.TypeOf<DatasetNotFoundException>()
            .With.Message.Contains($"{server.Address}images.gz").And.Message.Contains(reason).And.InnerException.Not.Null);
        Assert.That(Left(), Is.Empty);
    }

    [Test]
    public void ADownloadCanBeCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var server = Serve(async (_, stream, end) =>
        {
            await stream.WriteAsync(LocalServer.Head("200 OK", 100_000), end);
            await stream.WriteAsync(new byte[1000], end);
            await Task.Delay(Timeout.Infinite, end);
        });
        var display = new Recorder { OnReport = cancellation.Cancel };
        Assert.That(() => Files(server.Address).Locate(Search, display, cancellation.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Left(), Is.Empty);
        Assert.That(() => Files(server.Address).Locate(Search, display, cancellation.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public void TheErrorNamesAllWays()
    {
        var error = Assert.Throws<DatasetNotFoundException>(() => Files().Locate(Search))!;
        string[] parts = ["Things", Package, "dataset-things", Path.Combine(Cache, "things"), "http://127.0.0.1:1/", "--data", "labels"];
        foreach (var part in parts) Assert.That(error.Message, Does.Contain(part));
        Assert.That(error, Is.InstanceOf<FileNotFoundException>());
        Assert.That(() => Files().Locate(Search with { MayDownload = false }),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains("switched off"));
        Assert.That(() => Files().Locate(Search with { Cache = "" }),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains("no folder"));
    }

    [Test]
    public void ACacheThatCannotBeWrittenIsExplained()
    {
        var server = Serve();
        System.IO.File.WriteAllText(Cache, "a file where the folder should be");
        Assert.That(() => Files(server.Address).Locate(Search), Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains(Cache));
        Assert.That(server.Requests, Is.Empty);
    }

    [Test, NonParallelizable]
    public void TheCacheFollowsTheEnvironment()
    {
        const string name = "XDG_CACHE_HOME";
        var before = Environment.GetEnvironmentVariable(name);
        try
        {
            Environment.SetEnvironmentVariable(name, Cache);
            Assert.That(DatasetSearch.DefaultCache, Is.EqualTo(Path.Combine(Cache, "torchzoo", "data")));
            foreach (var useless in new[] { null, "relative" })
            {
                Environment.SetEnvironmentVariable(name, useless);
                Assert.That(DatasetSearch.DefaultCache, Is.Empty.Or.EqualTo(Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
                    "torchzoo", "data")));
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, before);
        }
    }

    [Test]
    public void BadTimesAreRefused([Values(0, -1, 1e6)] double seconds) =>
        Assert.That(() => new DatasetSearch { Timeout = TimeSpan.FromSeconds(seconds) }, Throws.InstanceOf<ArgumentException>());

    private sealed class Recorder : IProgressDisplay, IProgressLine
    {
        public List<string> Lines { get; } = [];

        public List<double> Fractions { get; } = [];

        public Action? OnReport { get; init; }

        public IProgressLine Start(string description)
        {
            Lines.Add(description);
            return this;
        }

        public void Report(double fraction, string? detail = null)
        {
            Fractions.Add(fraction);
            OnReport?.Invoke();
        }

        public void Dispose() { }
    }
}
