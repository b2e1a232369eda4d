using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;

namespace Serve;

/// <summary>A client that trains, starts and asks a server, and compares its answers with the model's own.</summary>
internal static class SelfTest
{
    private const int Requests = 64;

    public static async Task<int> Run()
    {
        var folder = Directory.CreateTempSubdirectory("serve").FullName;
        try
        {
            await Overload();
            var error = Operator.Train(folder);
            Check($"a trained model (relative L2 error {error:F3})", error < 0.1);
            var checkpoint = Path.Combine(folder, "last.pt");
            using var model = Operator.Load(checkpoint);
            await using var server = Server.Build(["--checkpoint", checkpoint, "--urls", "http://127.0.0.1:0", "--max-points", "4096",
                "--max-wait-ms", "20", "--Logging:LogLevel:Default=Warning"]);
            await server.StartAsync();
            using var client = new HttpClient { BaseAddress = new Uri(server.Urls.First()) };
            await Ask(client, model, server);
        }
        finally { Directory.Delete(folder, recursive: true); }
        Console.WriteLine("self-test passed");
        return 0;
    }

    // One that is computed, one that waits; a third is one too many. A sample that fails takes no other along.
    private static async Task Overload()
    {
        using var go = new ManualResetEventSlim();
        using var batcher = new Batcher(samples =>
        {
            go.Wait();
            return samples[0].Values.Length > 0 ? samples : throw new InvalidOperationException("empty");
        }, new BatcherOptions(MaxBatch: 1, Capacity: 2));
        var (first, second) = (batcher.Predict(new([0], []), default), batcher.Predict(new([1], [1]), default));
        var third = await Failure(batcher.Predict(new([1], [1]), default));
        go.Set();
        Check("one request too many is refused, one that fails takes no other along", third is OverloadedException
            && await Failure(first) is InvalidOperationException && (await second).Values is [1] && batcher.IsRunning);

        static async Task<Exception?> Failure(Task task)
        {
            try { await task; }
            catch (Exception e) { return e; }
            return null;
        }
    }

    private static async Task Ask(HttpClient client, Operator model, WebApplication server)
    {
        Check("healthy", await client.GetStringAsync("/health") == "Healthy");

        var random = new Random(0);
        Sample[] samples = [.. Enumerable.Range(0, Requests).Select(i => Wave(random, i % 2 == 0 ? 128 : 256))];
        var expected = samples.Select(s => model.Apply([s])[0]).ToArray();
        var answers = await Task.WhenAll(samples.Select((s, i) => i % 4 < 2 ? AskJson(client, s) : AskBinary(client, s)));
        Check($"{Requests} answers on two grids at once, in JSON and binary, are the model's",
            answers.Zip(expected).All(p => Same(p.First, p.Second)));
        var (batches, answered, _, _) = server.Services.GetRequiredService<Batcher>().Counts;
        Check($"in fewer batches ({batches})", answered == Requests && batches < Requests / 2);

        await Refused(client, HttpStatusCode.BadRequest, """{"shape": [1, 8], "values": [1, 2]}""", "Expected 8 values");
        await Refused(client, HttpStatusCode.BadRequest, """{"shape": [2, 1], "values": [1, 2]}""", "Expected a shape of 1 channels");
        await Refused(client, HttpStatusCode.BadRequest, """{"shape": [1, 8], "values": "eight"}""", "The JSON");
        await Refused(client, HttpStatusCode.BadRequest, "{}", "missing required");
        await Refused(client, HttpStatusCode.RequestEntityTooLarge, """{"shape": [1, 9223372036854775807], "values": []}""", "at most");
        await Refused(client, HttpStatusCode.RequestEntityTooLarge, new string(' ', 100_000), "too large");
        await Refused(client, HttpStatusCode.UnsupportedMediaType, "1, 2", "application/json", "text/plain");

        using var soon = new CancellationTokenSource();
        // Not a multiple of the batch's size: some wait for others.
        var abandoned = samples[..^3].Select(s => AskJson(client, s, soon.Token)).ToArray();
        soon.CancelAfter(TimeSpan.FromMilliseconds(5));
        var left = 0;
        foreach (var task in abandoned)
        {
            try { await task; }
            catch (OperationCanceledException) { left++; }
        }
        Check($"{left} of {abandoned.Length} requests given up", left > 0);

        // Memory: tensors of all requests are gone.
        var tensors = torch.Tensor.TotalCount;
        for (var round = 0; round < 4; round++) await Task.WhenAll(samples.Select(s => AskBinary(client, s)));
        Check("no tensor left behind", torch.Tensor.TotalCount <= tensors);

        var last = AskJson(client, samples[0]);
        while (server.Services.GetRequiredService<Batcher>().Counts.Waiting == 0 && !last.IsCompleted) await Task.Yield();
        await server.StopAsync();
        Check("what was asked before the end is answered", Same(await last, expected[0]));
    }

    private static async Task<Sample> AskJson(HttpClient client, Sample sample, CancellationToken cancellation = default)
    {
        using var answer = await client.PostAsJsonAsync("/predict", sample, cancellation);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Sample>(cancellation))!;
    }

    private static async Task<Sample> AskBinary(HttpClient client, Sample sample)
    {
        using var content = new ByteArrayContent(MemoryMarshal.AsBytes<float>(sample.Values).ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add("X-Shape", string.Join(',', sample.Shape));
        using var answer = await client.PostAsync("/predict", content);
        var shape = answer.EnsureSuccessStatusCode().Headers.GetValues("X-Shape").Single().Split(',').Select(long.Parse);
        return new Sample([.. shape], MemoryMarshal.Cast<byte, float>(await answer.Content.ReadAsByteArrayAsync()).ToArray());
    }

    private static async Task Refused(HttpClient client, HttpStatusCode status, string body, string reason,
        string type = "application/json")
    {
        using var answer = await client.PostAsync("/predict", new StringContent(body, Encoding.UTF8, type));
        var text = await answer.Content.ReadAsStringAsync();
        Check($"{(int)status}: {reason}", answer.StatusCode == status
            && answer.Content.Headers.ContentType?.MediaType == "application/problem+json"
            && text.Contains(reason, StringComparison.OrdinalIgnoreCase), $"{(int)answer.StatusCode} {text}");
    }

    private static Sample Wave(Random random, int points)
    {
        var (a, b, phase) = (random.NextDouble(), random.NextDouble(), random.NextDouble() * Math.Tau);
        return new([1, points], [.. Enumerable.Range(0, points).Select(i => (float)(a * Math.Sin(Math.Tau * i / points + phase) + b / 2))]);
    }

    private static bool Same(Sample a, Sample b) =>
        a.Shape.SequenceEqual(b.Shape) && a.Values.Zip(b.Values).All(v => Math.Abs(v.First - v.Second) < 1e-5f);

    private static void Check(string what, bool holds, string? seen = null)
    {
        if (!holds) throw new InvalidOperationException($"not so: {what}{(seen is null ? "" : $"; {seen}")}");
        Console.WriteLine($"ok  {what}");
    }
}
