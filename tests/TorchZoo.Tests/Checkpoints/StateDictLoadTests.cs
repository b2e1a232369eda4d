using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Tests.Checkpoints;

public class StateDictLoadTests
{
    private static nn.Module Model() => nn.Sequential(("a", nn.Linear(3, 4)), ("b", nn.BatchNorm1d(4)));

    private static Dictionary<string, byte[]> Bytes(nn.Module module)
        => StateDict.Of(module).ToDictionary(t => t.Key, t => t.Value.contiguous().bytes.ToArray());

    [Test]
    public void AllThatDoesNotFitIsNamedAtOnceAndNothingIsTouched([Values] bool fromFile)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model();
        var before = Bytes(model);
        var state = StateDict.Of(model).ToDictionary(t => t.Key, t => t.Value + 1);
        state.Remove("a.bias");
        state["extra.one"] = zeros(1);
        state["b.weight"] = zeros(2, 2);
        PyTorchFile.Save(folder["f"], state);
        Assert.That(() => fromFile ? PyTorchFile.LoadStateDict(folder["f"], model) : StateDict.Load(model, state),
            Throws.ArgumentException.With.Message.Contains("a.bias").And.Message.Contains("extra.one")
                .And.Message.Contains("b.weight (module [4], state dict [2, 2])"));
        Assert.That(Bytes(model), Is.EqualTo(before));

        var report = fromFile ? PyTorchFile.LoadStateDict(folder["f"], model, strict: false) : StateDict.Load(model, state, strict: false);
        Assert.That((report.Missing.Single(), report.Unexpected.Single(), report.Mismatched.Count), Is.EqualTo(("a.bias", "extra.one", 1)));
        Assert.That(Bytes(model)["a.bias"], Is.EqualTo(before["a.bias"]));
        Assert.That(StateDict.Of(model)["a.weight"].equal(state["a.weight"]).all().item<bool>());
    }

    [Test]
    public void AFileGoesIntoTheModuleWhateverItsDtypesAndStrides([Values(ScalarType.Float32, ScalarType.Float64,
        ScalarType.BFloat16)] ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model();
        var values = StateDict.Of(model).ToDictionary(t => t.Key, t => t.Value.is_floating_point() ? randn_like(t.Value).to(dtype)
            : t.Value + 7);
        var saved = values.ToDictionary(t => t.Key, t => t.Key == "a.weight" ? t.Value.t().contiguous().t() : t.Value);
        // One storage for two parameters, at an offset.
        var shared = cat([zeros(1, dtype), values["a.bias"], values["b.bias"]]);
        (saved["a.bias"], saved["b.bias"]) = (shared[1..5], shared[5..9]);
        saved["shared"] = shared;
        PyTorchFile.Save(folder["f"], new PyDict { ["epoch"] = 3L, ["state_dict"] = PyDict.FromTensors(saved) });

        PyTorchFile.LoadStateDict(folder["f"], model, strict: false);

        foreach (var (key, tensor) in StateDict.Of(model))
            Assert.That(tensor.equal(values[key].to(tensor.dtype)).all().item<bool>(), key);
    }

    [Test]
    public void WhatLibrariesKeepAmongTheWeightsIsNoWeight([Values("", "state_dict", "model_state_dict", "model")] string place)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using Module saved = Model(), direct = Model(), throughCheckpoint = Model();
        var state = PyDict.FromTensors(StateDict.Of(saved));
        state["_metadata"] = new PyDict { ["version"] = "1.0" };
        state["a._extra_state"] = null;
        PyTorchFile.Save(folder["f"], place == "" ? state : new PyDict { ["epoch"] = 3L, [place] = state });
        PyTorchFile.LoadStateDict(folder["f"], direct);
        using var checkpoint = Checkpoint.Load(folder["f"]);
        checkpoint.LoadInto(throughCheckpoint);
        Assert.Multiple(() =>
        {
            Assert.That(Bytes(direct), Is.EqualTo(Bytes(saved)));
            Assert.That(Bytes(throughCheckpoint), Is.EqualTo(Bytes(saved)));
            Assert.That(checkpoint.Others, Is.EqualTo(place == "" ? Array.Empty<string>() : ["epoch"]));
        });
    }

    [Test]
    public void WhatIsNoStateDictIsRefusedWithAReason()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        PyTorchFile.Save(folder["f"], new PyDict { ["w"] = ones(2), ["steps"] = 3L });
        PyTorchFile.Save(folder["t"], ones(2));
        Assert.Multiple(() =>
        {
            Assert.That(() => Checkpoint.Load(folder["f"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("an int at 'steps'"));
            Assert.That(() => Checkpoint.Load(folder["t"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a tensor [2]"));
        });
    }

    [Test]
    public void LoadingIntoAModuleNeedsNoSecondCopyOfTheWeights()
    {
        if (!PeakMemory.IsMeasurable) Assert.Ignore("this system does not tell the peak of resident memory");
        const long Megabyte = 1 << 20;
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = nn.Sequential(Enumerable.Range(0, 8).Select(i => ($"l{i}", (nn.Module<Tensor, Tensor>)nn.Linear(2048, 2048))).ToArray());
        PyTorchFile.Save(folder["f"], StateDict.Of(model));
        PyTorchFile.LoadStateDict(folder["f"], model);
        Assert.That(new FileInfo(folder["f"]).Length, Is.GreaterThan(128 * Megabyte));
        Assert.That(PeakMemory.Of(() => PyTorchFile.LoadStateDict(folder["f"], model)), Is.LessThan(40 * Megabyte));
    }

    [Test]
    public void DamagedDataAreNoticedBeforeTheModuleIsTouched()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model();
        PyTorchFile.Save(folder["f"], StateDict.Of(model).ToDictionary(t => t.Key, t => t.Value + 1));
        var bytes = File.ReadAllBytes(folder["f"]);
        bytes[bytes.AsSpan().IndexOf(StateDict.Of(model)["b.running_var"].add(1).bytes)] ^= 1;
        File.WriteAllBytes(folder["f"], bytes);
        var before = Bytes(model);
        Assert.That(() => PyTorchFile.LoadStateDict(folder["f"], model),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("CRC").And.Message.Contains(folder["f"]));
        Assert.That(Bytes(model), Is.EqualTo(before));
    }

    [Test]
    public void AFileWithoutAStateDictIsRefused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model();
        PyTorchFile.Save(folder["f"], new PyDict { ["epoch"] = 3L });
        Assert.That(() => PyTorchFile.LoadStateDict(folder["f"], model), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void ComplexValuesDoNotGoIntoRealParameters()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        var state = StateDict.Of(model).ToDictionary(t => t.Key, t => t.Value.clone());
        state["a.bias"] = zeros(4, complex64);
        Assert.That(() => StateDict.Load(model, state), Throws.ArgumentException.With.Message.Contains("a.bias"));
    }
}
