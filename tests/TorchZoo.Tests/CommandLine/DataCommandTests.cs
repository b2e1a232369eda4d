using System.CommandLine;
using System.Security.Cryptography;
using NUnit.Framework;
using TorchZoo.Data.Sources;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;
using TorchZoo.Tests.Data.Sources;

namespace TorchZoo.Tests.CommandLine;

public class DataCommandTests
{
    private static readonly byte[] Content = [1, 2, 3, 4, 5];

    private TemporaryFolder _folder = null!;
    private LocalServer? _server;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close()
    {
        _server?.Dispose();
        _server = null;
        _folder.Dispose();
    }

    private CliResult Run(params string[] args)
    {
        _server ??= new LocalServer(async (_, stream, cancellation) =>
        {
            await stream.WriteAsync(LocalServer.Head("200 OK", Content.Length), cancellation);
            await stream.WriteAsync(Content, cancellation);
        });
        KnownDataset Set(string name, DatasetFiles? files) => new()
        {
            Name = name,
            Title = $"The {name}",
            Home = new Uri("http://127.0.0.1/home"),
            Licence = "MIT",
            FileNames = ["a.bin"],
            Use = "demo --data a.bin",
            Files = files,
        };
        KnownDataset[] sets =
        [
            Set("numbers", new DatasetFiles
            {
                Name = "numbers",
                Title = "The numbers",
                Address = _server.Address,
                Files = [new DatasetFile("a.bin", Content.Length, Convert.ToHexString(SHA256.HashData(Content)))],
            }),
            Set("owned", null),
        ];
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var screen = new Screen(output, error);
        var root = new Command("torchzoo") { DataCommand.Create(screen, () => sets, _folder["cache"]) };
        int exitCode;
        try { exitCode = root.Parse(["data", .. args]).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
        catch (ArgumentException e)
        {
            exitCode = ExitCode.Usage;
            error.Write(e.Message);
        }
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }

    [Test]
    public void ASetIsListedGotAndVerified()
    {
        Assert.That(Run("list").Output, Does.Contain("no: data get numbers").And.Contain("bring your own"));
        Assert.That(Run("verify", "numbers").ExitCode, Is.EqualTo(1));
        var got = Run("get", "numbers");
        Assert.That(got.ExitCode, Is.Zero, got.Error);
        Assert.That(File.ReadAllBytes(_folder["cache/numbers/a.bin"]), Is.EqualTo(Content));
        Assert.That(Run("list").Output, Does.Contain("cache"));
        Assert.That(Run("verify").ExitCode, Is.Zero);

        File.WriteAllBytes(_folder["cache/numbers/a.bin"], [1, 2, 3, 4, 6]);
        var damaged = Run("verify");
        Assert.Multiple(() =>
        {
            Assert.That(damaged.ExitCode, Is.EqualTo(1));
            Assert.That(damaged.Output, Does.Contain("checksum"));
            Assert.That(Run("get", "numbers").ExitCode, Is.Zero, "a damaged file is got again");
            Assert.That(Run("verify", "numbers").ExitCode, Is.Zero);
        });
    }

    [Test]
    public void AFolderCanBeNamed()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Run("get", "numbers", "--to", _folder["mine"]).ExitCode, Is.Zero);
            Assert.That(File.Exists(_folder["mine/a.bin"]));
            Assert.That(Directory.Exists(_folder["cache"]), Is.False);
            Assert.That(Run("verify", "numbers", "--in", _folder["mine"]).ExitCode, Is.Zero);
        });
    }

    [Test]
    public void WhatCannotBeIsSaid()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Run("get", "number").Error, Does.Contain("Did you mean 'numbers'?"));
            Assert.That(Run("get", "owned").Error, Does.Contain("a.bin").And.Contain("http://127.0.0.1/home").And.Contain("demo --data a.bin"));
            Assert.That(Run("verify", "owned").ExitCode, Is.EqualTo(ExitCode.Usage));
        });
    }

    [Test]
    public void TheProgramKnowsItsSets() =>
        Assert.That(DataCommand.OfProgram().Select(s => s.Name), Is.SupersetOf(new[] { "deeponet-unaligned", "fashion-mnist", "fno-burgers", "fno-darcy", "fno-navier-stokes" }));
}
