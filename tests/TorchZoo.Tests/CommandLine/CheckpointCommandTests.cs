using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.CommandLine;

/// <summary><c>checkpoint inspect</c>, <c>convert</c> and <c>diff</c> of the real executable.</summary>
public class CheckpointCommandTests
{
    private Cli _cli = null!;
    private DisposeScope _scope = null!;

    [SetUp]
    public void Open() => (_cli, _scope) = (Cli.Scripts(), NewDisposeScope());

    [TearDown]
    public void Close()
    {
        _scope.Dispose();
        _cli.Dispose();
    }

    [Test]
    public void InspectShowsTheTreeAndTotals()
    {
        PyTorchFile.Save(_cli.PathOf("a.pt"), new PyDict
        {
            ["epoch"] = 7L,
            ["model"] = PyDict.FromTensors([new("net.weight", ones(3, 5)), new("net.count", zeros([], int64))]),
            ["betas"] = new PyTuple(0.9, 0.999),
            ["\e[2J\u202eevil"] = "a\nb",
        });
        var result = _cli.Run("checkpoint", "inspect", "a.pt");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.StartWith("a.pt: dict of 4, "));
            Assert.That(result.Output, Does.Match(@"\n  epoch +7\n"));
            Assert.That(result.Output, Does.Match(@"\n  model  OrderedDict of 2\n    net\.weight +float32 +\[3, 5\] +60 B\n    net\.count +int64 +\[\] +8 B\n"));
            Assert.That(result.Output, Does.Contain("tuple [0.9, 0.999]"));
            Assert.That(result.Output, Does.Match(@"\\u001b\[2J\\u202eevil +'a\\u000ab'").And.Not.Contain("\e").And.Not.Contain("\u202e"),
                "names in a file are no commands to the terminal");
            Assert.That(result.LastLine, Is.EqualTo("2 tensors (1 float32, 1 int64), 16 elements, 68 B"));
        });
    }

    [Test]
    public void InspectReadsNoMoreThanTheHeaderOfASafetensorsFile()
    {
        // 64 GiB of a hole: who reads it does not come to an end here.
        var header = """{"huge":{"dtype":"F32","shape":[131072,131072],"data_offsets":[0,68719476736]},"__metadata__":{"note":"hello"}}""";
        using (var file = File.Create(_cli.PathOf("huge.safetensors")))
        {
            file.Write(BitConverter.GetBytes((long)header.Length));
            file.Write(System.Text.Encoding.UTF8.GetBytes(header));
            file.SetLength(8 + header.Length + 68719476736);
        }
        var result = _cli.Run("checkpoint", "inspect", "huge.safetensors");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("float32   [131072, 131072]  64 GiB").And.Contain("@note  'hello'"));
        });
    }

    [Test]
    public void LargeAndDeepTreesAreCutUnlessAllIsAskedFor()
    {
        var deep = new PyDict { ["bottom"] = 1L };
        for (var i = 0; i < 50; i++) deep = new PyDict { ["level"] = deep };
        var wide = new PyDict();
        for (var i = 0; i < 300; i++) wide[$"value{i}"] = (long)i;
        PyTorchFile.Save(_cli.PathOf("a.pt"), new PyDict { ["deep"] = deep, ["wide"] = wide });
        var cut = _cli.Run("checkpoint", "inspect", "a.pt").Output;
        var all = _cli.Run("checkpoint", "inspect", "a.pt", "--all").Output;
        Assert.Multiple(() =>
        {
            Assert.That(cut, Does.Contain("… and 200 more (--all shows them)").And.Not.Contain("bottom").And.Not.Contain("value100"));
            Assert.That(all, Does.Contain("bottom  1").And.Match("value299 +299").And.Not.Contain("…"));
        });
    }

    [Test]
    public void ConvertThereAndBackKeepsEveryBit()
    {
        var state = new Dictionary<string, Tensor>
        {
            ["a.weight"] = randn(4, 3, generator: new Generator(1)),
            ["a.bias"] = randn(5, generator: new Generator(2)).to(bfloat16),
            ["mask"] = tensor(new[] { true, false }),
            ["strided"] = arange(12).reshape(3, 4).t(),
        };
        PyTorchFile.Save(_cli.PathOf("run.pt"), new PyDict
        {
            ["model"] = new PyDict { ["name"] = "Net", ["config"] = "{}", ["state_dict"] = PyDict.FromTensors(state) },
            ["optimizer"] = new List<object?>(),
        });
        var there = _cli.Run("checkpoint", "convert", "run.pt", "w.safetensors");
        var back = _cli.Run("checkpoint", "convert", "w.safetensors", "w.pth");
        var equal = _cli.Run("checkpoint", "diff", "run.pt", "w.pth");
        var loaded = PyTorchFile.FindStateDict(PyTorchFile.Load(_cli.PathOf("w.pth"))).ToTensors();
        Assert.Multiple(() =>
        {
            Assert.That(there.ExitCode, Is.Zero, there.Error);
            Assert.That(there.Output, Does.Contain("left out").And.Contain("optimizer").And.Contain("w.safetensors").And.Contain("4 tensors"));
            Assert.That(back.ExitCode, Is.Zero, back.Error);
            Assert.That(SafetensorsFile.ReadHeader(_cli.PathOf("w.safetensors")).Metadata["format"], Is.EqualTo("pt"));
            Assert.That(loaded.Keys, Is.EqualTo(state.Keys));
            foreach (var (name, tensor) in state) Assert.That(loaded[name].dtype == tensor.dtype && loaded[name].Equals(tensor), name);
            Assert.That(equal.ExitCode, Is.Zero, equal.Output + equal.Error);
            Assert.That(equal.LastLine, Is.EqualTo("equal: 4 tensors"));
        });
    }

    [Test]
    public void ConvertCarriesTheModelAlong()
    {
        var config = """{"width":3,"activation":"relu"}""";
        using var net = Zoo.CreateFromJson("probe-net", config);
        PyTorchFile.Save(_cli.PathOf("run.pt"), new PyDict
        {
            ["format_version"] = 1L,
            ["model"] = new PyDict { ["name"] = "probe-net", ["config"] = config, ["state_dict"] = PyDict.FromTensors(net.state_dict()) },
            ["trainer"] = new PyDict(),
        });
        var there = _cli.Run("checkpoint", "convert", "run.pt", "w.safetensors");
        var back = _cli.Run("checkpoint", "convert", "w.safetensors", "w.pt");
        Assert.Multiple(() =>
        {
            Assert.That(there.Output, Does.Contain("probe-net, with its configuration").And.Match("left out +trainer"), there.Error);
            Assert.That(back.Output, Does.Contain("probe-net, with its configuration").And.Not.Contain("left out"), back.Error);
            foreach (var file in (string[])["w.safetensors", "w.pt"])
            {
                using var again = Zoo.Load(_cli.PathOf(file));
                Assert.That(ConfigJson.Write(((IConfigured)again).Config), Is.EqualTo(ConfigJson.Write(((IConfigured)net).Config)));
                foreach (var (name, tensor) in net.state_dict()) Assert.That(again.state_dict()[name].Equals(tensor), name);
            }
        });
    }

    [Test]
    public void DiffNamesWhatDiffersAndExitsWith1()
    {
        PyTorchFile.Save(_cli.PathOf("a.pt"), PyDict.FromTensors(
        [
            new("same", tensor(new[] { 1f, float.NaN })), new("value", tensor(new[] { 1f, 2f })), new("shape", ones(2, 3)),
            new("dtype", ones(2)), new("long", tensor(new[] { long.MaxValue })), new("nan", ones(1)), new("gone", ones(1)),
        ]));
        SafetensorsFile.Save(_cli.PathOf("b.safetensors"), new Dictionary<string, Tensor>
        {
            ["same"] = tensor(new[] { 1f, float.NaN }),
            ["value"] = tensor(new[] { 1f, 2.5f }),
            ["shape"] = ones(3, 2),
            ["dtype"] = ones(2, float64),
            ["long"] = tensor(new[] { long.MaxValue - 1 }),
            ["nan"] = tensor(new[] { float.NaN }),
            ["new"] = ones(1),
        });
        var result = _cli.Run("checkpoint", "diff", "a.pt", "b.safetensors");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Does.Match(@"\| value +\| values +\| +0\.5 "));
            Assert.That(result.Output, Does.Match(@"\| shape +\| shape \[2, 3\] and \[3, 2\]"));
            Assert.That(result.Output, Does.Match(@"\| dtype +\| float32 and float64 +\| +0 "));
            Assert.That(result.Output, Does.Match(@"\| long +\| values").And.Match(@"\| nan +\| values +\| +NaN"));
            Assert.That(result.Output, Does.Match(@"\| gone +\| only in the first").And.Match(@"\| new +\| only in the second"));
            Assert.That(result.Output, Does.Not.Contain("| same"));
            Assert.That(result.LastLine, Does.StartWith("different: of 6 common tensors 1 in shape, 1 in dtype, 3 in values"));
        });
    }

    [Test]
    public void WhatCannotBeConvertedIsLeftAloneAndNamed()
    {
        PyTorchFile.Save(_cli.PathOf("nested.pt"), new PyDict { ["a"] = ones(2), ["steps"] = 3L });
        PyTorchFile.Save(_cli.PathOf("complex.pt"), PyDict.FromTensors([new("z", zeros(2, complex128))]));
        PyTorchFile.Save(_cli.PathOf("good.pt"), PyDict.FromTensors([new("w", ones(2))]));
        File.WriteAllText(_cli.PathOf("there.safetensors"), "mine");
        File.WriteAllBytes(_cli.PathOf("damaged.pt"), File.ReadAllBytes(_cli.PathOf("good.pt"))[..^100]);
        Assert.Multiple(() =>
        {
            Expect(1, "no state dict, a dictionary of nothing but named tensors: it holds an int at 'steps'", "nested.pt", "out.safetensors");
            Expect(1, "'z' is ComplexFloat64, which safetensors files cannot hold", "complex.pt", "out.safetensors");
            Expect(1, "damaged.pt is no valid checkpoint", "damaged.pt", "out.safetensors");
            Expect(2, "'there.safetensors' is there already; --force replaces it", "good.pt", "there.safetensors");
            Expect(2, "have the same format", "good.pt", "other.pth");
            Expect(2, "must end in .pt, .pth or .safetensors", "good.pt", "other.onnx");
            Expect(2, "There is no file 'no.pt'", "no.pt", "out.safetensors");
            Expect(2, "There is no folder", "good.pt", "nowhere/out.safetensors");
            Assert.That(File.ReadAllText(_cli.PathOf("there.safetensors")), Is.EqualTo("mine"));
            Assert.That(File.Exists(_cli.PathOf("out.safetensors")), Is.False);
            Assert.That(_cli.Run("checkpoint", "convert", "good.pt", "there.safetensors", "--force").ExitCode, Is.Zero);
            Assert.That(SafetensorsFile.Load(_cli.PathOf("there.safetensors")).Keys, Is.EqualTo(["w"]));
        });

        void Expect(int code, string message, string from, string to)
        {
            var result = _cli.Run("checkpoint", "convert", from, to);
            Assert.That(result.ExitCode, Is.EqualTo(code), result.Error);
            Assert.That(result.Error, Does.StartWith("error: ").And.Contain(message).And.Not.Contain("   at "));
        }
    }

    [TestCase("checkpoint", "'checkpoint' takes inspect, convert or diff; there is none.")]
    [TestCase("checkpoint inspekt", "There is no 'checkpoint inspekt'. Did you mean 'inspect'?")]
    [TestCase("checkpoint inspect", "'inspect' takes a file; there is none.")]
    [TestCase("checkpoint inspect no.pt", "There is no file 'no.pt'.")]
    [TestCase("checkpoint inspect a.pt --al", "There is no option '--al' for 'inspect'. Did you mean '--all'?")]
    [TestCase("checkpoint diff a.pt", "'diff' takes a b; there is none.")]
    public void WhatCannotBeMeantExitsWith2AndSaysWhy(string line, string message)
    {
        var result = _cli.Run(line.Split(' '));
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Error, Does.StartWith("error: " + message));
            Assert.That(result.Error, Does.Match(@"Help: .* -- checkpoint .*--help"));
        });
    }

    [Test]
    public void NothingInAFileIsRun()
    {
        foreach (var path in Goldens.Files("evil-files", "*reduce*.pt"))
        {
            var result = _cli.Run("checkpoint", "inspect", path);
            Assert.That(result.ExitCode, Is.EqualTo(1), path);
            Assert.That(result.Error, Does.Contain("is not allowed"));
        }
    }
}
